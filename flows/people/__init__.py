"""Let people register with the account."""
