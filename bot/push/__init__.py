"""Notices on their way out: which channel may carry one now, its words for that channel, and the sending."""
