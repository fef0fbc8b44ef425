"""Owners and staff follow an appeal's money by commands."""
