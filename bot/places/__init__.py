"""These programs load the region tree and look places up in it."""
