"""The region tree is whole, with its history."""
