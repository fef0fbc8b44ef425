"""Updates, thanks, digests and broadcasts reach everybody once."""
