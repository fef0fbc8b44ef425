"""Define bounds on money, in fen. Yuan exist only in templates and readers."""

YUAN = 100
SMALLEST_PLEDGE = 1 * YUAN
CROWDFUND_MINIMUM = 300_000 * YUAN
LARGEST = 1_000_000_000 * YUAN


def least_minimum(target_fen: int) -> int:
    """Return the lowest minimum (fen, rounded up) that a crowdfunding appeal may set: half of its target.

    Donors give for the whole of a thing. With half of the money a road reaches half of the way, and its owner can find
    the rest; with a tenth there is a heap of gravel, and the donors would have wanted their money back.
    """
    return -(-target_fen // 2)
