"""Buyers, sellers and the township follow after-sales by commands."""
