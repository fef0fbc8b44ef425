"""Donors get what they ask for: recurring gifts, messages, receipts, and where their money is."""
