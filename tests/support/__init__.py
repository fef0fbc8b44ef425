"""The two sides of a contact, and an officer who is called, find each other and nobody else."""
