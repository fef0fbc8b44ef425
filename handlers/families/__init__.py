"""People see and change who belongs to their household; officers do it for them by mandate."""
