"""Donors and fund holders follow refunds and suspense items by commands."""
