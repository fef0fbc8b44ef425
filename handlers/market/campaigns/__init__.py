"""Campaigns by commands: the county opens and confirms them, buyers pledge, growers join."""
