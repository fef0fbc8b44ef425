"""People reach a person, and staff answer them, by commands."""
