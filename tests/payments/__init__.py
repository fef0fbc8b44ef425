"""Payments and refunds count once, and what is odd waits for a person."""
