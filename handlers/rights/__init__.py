"""People ask for a copy of what is known about them."""
