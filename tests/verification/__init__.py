"""Households are verified by the rules, and by nobody alone."""
