"""Anybody sees what is public, and nothing private."""
