"""Photos are fetched, kept whole, and their files swept."""
