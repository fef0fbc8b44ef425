"""Operators keep the data sound over the years: merged regions, new keys, scheduled runs, dead jobs."""
