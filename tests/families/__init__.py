"""Who belongs to a household, and what that keeps officers and givers from."""
