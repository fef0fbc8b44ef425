"""Overseers draw spot checks and read statistics by commands."""
