"""Owners and staff tell donors what became of an appeal: updates, thanks, emergency calls, digests."""
