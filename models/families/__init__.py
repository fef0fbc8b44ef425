"""A household is more than one person: who belongs to it, and what an officer may say of that for them."""
