"""Donors pledge a gift, and sponsors open and fund a matching pool, step by step."""
