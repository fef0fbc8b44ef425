"""Donors follow their recurring gifts, messages, receipts and money by commands."""
