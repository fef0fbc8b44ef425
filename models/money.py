"""Bounds on money, in fen. Yuan exist only in templates and readers."""

YUAN = 100
SMALLEST_PLEDGE = 1 * YUAN
CROWDFUND_MINIMUM = 300_000 * YUAN
LARGEST = 1_000_000_000 * YUAN
