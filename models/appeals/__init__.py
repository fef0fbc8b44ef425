"""Households ask for help: appeals are submitted, corrected, reviewed, flagged and revised."""
