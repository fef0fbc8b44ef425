"""Owners request money and prove its use, and fund holders pay it out, step by step."""
