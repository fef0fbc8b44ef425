"""Staff list, read and decide their tasks by commands."""
