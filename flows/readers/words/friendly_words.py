"""Reject what a message to a household may not contain: links, ways of contact, requests for money.

The words are in config/readers.toml. The Text reader rejects phone, ID and bank numbers
(flows/readers/numbers/private_numbers.py).
"""

import re
from collections.abc import Iterable
from typing import Any

from flows.language.lexicon import Lexicon
from flows.language.numerals import read_out
from flows.language.wording import plain
from flows.readers.base import Asking, Rejected

CODES = ("link", "contact", "money")
_DOMAINS = "com|cn|net|org|top|xyz|cc|vip|info|me|io|co|shop|site|app|link|ly|tv|tk|club|online"
_LINK = re.compile(
    rf"https?:|://|www[.。点]|[a-z0-9-]\s?[.。·]\s?(?:{_DOMAINS})(?![a-z0-9])|[a-z0-9-]{{2,}}点(?:com|cn)"
)
_NOISE = re.compile(r"[^\w@]|_(?=[^a-z0-9])")
# A WeChat name with digits in it; an e-mail address; more digits than a sum of money has.
_HANDLE = re.compile(
    r"(?<![a-z0-9_-])(?=[a-z_-]*[0-9])[a-z][a-z0-9_-]{5,19}(?![a-z0-9_-])|[a-z0-9._-]+@[a-z0-9]|[0-9]{7,}"
)


def friendly(value: Any, asking: Asking) -> Rejected | None:
    """Check a step's words to a household."""
    code = fault_of(value if isinstance(value, str) else "", asking.world.lexicon)
    return Rejected(code) if code else None


def fault_of(text: str, lexicon: Lexicon) -> str | None:
    """Return the first of CODES that applies to the text; None where none does."""
    folded = plain(text)
    joined = _NOISE.sub("", folded)
    if _LINK.search(folded):
        return "link"
    if _is_contact(folded, joined, lexicon):
        return "contact"
    return "money" if any(word in joined for word in lexicon.words["money_asks"]) else None


def _is_contact(folded: str, joined: str, lexicon: Lexicon) -> bool:
    if any(word in joined for word in lexicon.words["asks_to_meet"]):
        return True
    ways, between = (_one_of(lexicon.words[name]) for name in ("ways_to_reach", "before_a_name"))
    figures = read_out(joined)
    named = re.search(rf"{ways}{between}{{0,4}}[a-z0-9][a-z0-9_-]{{3,}}", joined)
    called = re.search(rf"{ways}{between}{{0,4}}[0-9]{{4,}}", figures)
    # Not joined: digits with full stops between them may be a date, and a word before a year is no WeChat name.
    return bool(named or called) or any(_HANDLE.search(read_out(part)) for part in folded.split())


def _one_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"
