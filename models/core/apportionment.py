"""Divide a sum of fen in proportion to weights, by largest remainder, so that the parts add up to it exactly."""

from collections.abc import Mapping


def split(fen: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Divide ``fen`` over the keys in proportion to their weights; a key whose part is 0 is left out.

    No part exceeds its weight, and the order of the keys does not matter: the fen that integer division leaves over
    go to the largest remainders, of equal remainders to the smaller key. Raises ValueError where ``fen`` is negative
    or more than the sum of the weights, or a weight is negative.
    """
    total = sum(weights.values())
    if not 0 <= fen <= total or any(weight < 0 for weight in weights.values()):
        raise ValueError("a part of more than there is")
    if fen == 0:
        return {}
    parts = {key: fen * weight // total for key, weight in weights.items()}
    # Fewer fen are left over than there are remainders above zero, so no part grows beyond its weight.
    surplus = fen - sum(parts.values())
    largest = sorted(weights, key=lambda key: (-(fen * weights[key] % total), key))
    for key in largest[:surplus]:
        parts[key] += 1
    return {key: part for key, part in parts.items() if part}
