"""A sum over several in proportion, in whole fen: largest remainder, so that the parts sum to it exactly."""

from collections.abc import Mapping


def split(fen: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Key -> its part of ``fen``, which is at most what all weights sum to; keys with no part are left out.

    No part is more than its weight, and none depends on the order of the keys' coming: the fen that whole division
    leaves over go to the largest remainders, of equal ones to the smaller key. Raises ValueError.
    """
    total = sum(weights.values())
    if not 0 <= fen <= total or any(weight < 0 for weight in weights.values()):
        raise ValueError("a part of more than there is")
    if fen == 0:
        return {}
    parts = {key: fen * weight // total for key, weight in weights.items()}
    # Fewer are left over than there are remainders, so that whoever gets one of them has something left to give.
    surplus = fen - sum(parts.values())
    largest = sorted(weights, key=lambda key: (-(fen * weights[key] % total), key))
    for key in largest[:surplus]:
        parts[key] += 1
    return {key: part for key, part in parts.items() if part}
