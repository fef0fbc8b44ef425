"""Households sell produce by commands."""
