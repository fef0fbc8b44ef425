"""Numerals, names and kinds of goods are read as people write them."""
