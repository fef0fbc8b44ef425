"""Seats, terms, conflicts and handovers of staff hold their rules."""
