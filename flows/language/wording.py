"""The two readings of a typed text: as it should be kept, and as it should be matched."""

import re
import unicodedata

# Categories dropped from what people type: control, format (zero-width, bidi), surrogate, private, unassigned.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_SPACES = re.compile(r"\s+")
_EDGE = " \t\n.。,，!！?？;；:：、~～\"'“”‘’「」【】[]()（）"


def clean(text: str) -> str:
    """What the person wrote, without invisible characters; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch == "\n" or unicodedata.category(ch) not in _INVISIBLE).strip()


def plain(text: str) -> str:
    """For matching: full-width folded, lower case, single spaces, no punctuation at the edges."""
    folded = unicodedata.normalize("NFKC", clean(text)).lower()
    return _SPACES.sub(" ", folded).strip(_EDGE)
