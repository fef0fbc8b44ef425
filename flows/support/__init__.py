"""People report what is wrong."""
