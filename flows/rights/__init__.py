"""Conversations about a person's data: identity checks, export, corrections and erasure."""
