"""Ask a buyer what was wrong with an order, step by step."""
