"""Merged regions and new keys leave nothing behind."""
