"""Workers find what is owed, and outlive the loss of Redis."""
