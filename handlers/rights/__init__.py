"""People get a copy of their data, correct it, withdraw consents, and erase their account."""
