"""Operators' commands do what they say."""
