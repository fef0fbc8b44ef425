"""Donors pledge a gift, and fund holders open and fund a matching pool, step by step."""
