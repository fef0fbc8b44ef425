"""People read, accept and stop notifications by commands."""
