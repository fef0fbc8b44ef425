"""Databases, workers and a whole demo are started for tests, killed on purpose, and ended."""
