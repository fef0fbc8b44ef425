"""Normalise typed text in two ways: ``clean`` for keeping it, ``plain`` for matching it."""

import re
import unicodedata

# Unicode categories that are removed: control, format (zero-width, bidi), surrogate, private, unassigned.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_SPACES = re.compile(r"\s+")
_EDGE = " \t\n.。,，!！?？;；:：、~～\"'“”‘’「」【】[]()（）"


def clean(text: str) -> str:
    """Remove invisible characters from a person's text; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch == "\n" or unicodedata.category(ch) not in _INVISIBLE).strip()


def plain(text: str) -> str:
    """Fold a text for matching: no full width, lower case, single spaces, no punctuation at the edges."""
    folded = unicodedata.normalize("NFKC", clean(text)).lower()
    return _SPACES.sub(" ", folded).strip(_EDGE)
