"""Gifts and matching pools keep every cap and sum."""
