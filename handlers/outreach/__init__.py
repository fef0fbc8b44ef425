"""Staff read updates and stop broadcasts by commands."""
