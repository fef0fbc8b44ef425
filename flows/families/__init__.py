"""People say who belongs to their household."""
