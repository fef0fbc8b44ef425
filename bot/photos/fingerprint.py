"""A picture's print: 64 bits that stay nearly the same when it is written anew, made smaller, or a little brighter.

A difference hash: the picture shrunk to eight rows of nine greys, and of each two neighbours whether the right one is
clearly brighter.
"""

from itertools import pairwise

from PIL import Image

ROWS, PAIRS = 8, 8
# Of 255 greys: less is what writing a JPEG anew does to a wall.
CLEARLY = 3
# Fewer bits, or fewer gaps between them, are a wall or the sky: it would look like every other.
FEWEST = 10


def print_of(picture: Image.Image) -> int | None:
    """Of a picture that stands upright; None where it shows too little to be told by."""
    small = picture.convert("L").resize((PAIRS + 1, ROWS), Image.Resampling.BOX)
    greys = small.tobytes()
    rows = [greys[start : start + PAIRS + 1] for start in range(0, len(greys), PAIRS + 1)]
    bits = [right - left > CLEARLY for row in rows for left, right in pairwise(row)]
    found = sum(bit << place for place, bit in enumerate(bits))
    return found if FEWEST <= found.bit_count() <= ROWS * PAIRS - FEWEST else None
