"""The county opens campaigns, buyers pledge in them, and growers say how much they supply, step by step."""
