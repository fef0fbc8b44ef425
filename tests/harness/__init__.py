"""Helpers put a whole bot up for a test, and play what stands around it: a room for each side."""
