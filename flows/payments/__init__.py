"""Donors ask for a refund, and fund holders settle what the pay channel could not, step by step."""
