"""Farmers and craftspeople list what they sell."""
