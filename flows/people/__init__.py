"""People register with the account."""
