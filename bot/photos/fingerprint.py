"""Compute a picture's fingerprint: 64 bits that hardly change when it is saved anew, made smaller, or a bit brighter.

It is a difference hash: the picture is shrunk to eight rows of nine greys, and each bit says whether the right one of
two neighbours is clearly brighter.
"""

from itertools import pairwise

from PIL import Image

ROWS, PAIRS = 8, 8
# Of 255 greys: saving a JPEG anew changes a plain wall by less.
CLEARLY = 3
# Fewer set or unset bits are a wall or the sky, which would match every other.
FEWEST = 10


def fingerprint_of(picture: Image.Image) -> int | None:
    """Return the fingerprint of an upright picture; None if it shows too little to be recognised."""
    small = picture.convert("L").resize((PAIRS + 1, ROWS), Image.Resampling.BOX)
    greys = small.tobytes()
    rows = [greys[start : start + PAIRS + 1] for start in range(0, len(greys), PAIRS + 1)]
    bits = [right - left > CLEARLY for row in rows for left, right in pairwise(row)]
    found = sum(bit << place for place, bit in enumerate(bits))
    return found if FEWEST <= found.bit_count() <= ROWS * PAIRS - FEWEST else None
