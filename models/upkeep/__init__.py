"""Operators keep the data sound over the years: merged regions, new keys, scheduled rounds, dead jobs."""
