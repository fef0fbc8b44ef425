"""Owners request an appeal's money, and staff approve it, pay it out and settle how it was used."""
