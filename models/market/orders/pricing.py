"""Compute what an order costs, in fen."""

from models.core.measures import JIN


def total_of(price_fen: int, quantity: int, unit: str) -> int:
    """Return the sum for a quantity (``jin``: in grams): half a fen and more is rounded up, and it is never nothing."""
    if unit != "jin":
        return price_fen * quantity
    return max(1, (2 * price_fen * quantity + JIN) // (2 * JIN))
