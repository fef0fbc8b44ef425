"""Donors pledge gifts, and matching pools add to them, until funding ends."""
