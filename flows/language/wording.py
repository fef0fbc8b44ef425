"""Normalise typed text: ``clean`` for keeping it, ``plain`` for matching it, ``simplified`` for reading sentences."""

import re
import unicodedata
from functools import lru_cache

from opencc import OpenCC

# Unicode categories that are removed: control, format (zero-width, bidi), surrogate, private, unassigned.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
# A turn asks for the same folding of one message some twenty times: a few messages are remembered, for the threads.
SAME_TEXT = 16
_SPACES = re.compile(r"\s+")
_TO_SIMPLIFIED = OpenCC("t2s")
_EDGE = " \t\n.。,，!！?？;；:：、~～\"'“”‘’「」【】[]()（）"


def clean(text: str) -> str:
    """Remove invisible characters from a person's text; line breaks stay."""
    if text.isprintable():  # nearly every message, and a turn asks this thirty times
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch == "\n" or unicodedata.category(ch) not in _INVISIBLE).strip()


@lru_cache(maxsize=SAME_TEXT)
def plain(text: str) -> str:
    """Fold a text for matching: no full width, lower case, single spaces, no punctuation at the edges."""
    folded = unicodedata.normalize("NFKC", clean(text)).lower()
    return _SPACES.sub(" ", folded).strip(_EDGE)


def simplified(text: str) -> str:
    """Convert traditional characters to simplified ones. ``plain`` leaves them, so that a name keeps its own."""
    return str(_TO_SIMPLIFIED.convert(text))
