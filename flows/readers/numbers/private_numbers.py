"""Detect phone, ID and bank numbers, which must not be in public words."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import accumulate

from flows.language import numerals

# Digits with only punctuation between them; an ID number may end in x.
_RUN = re.compile(r"\d+(?:[\W_]{1,5}\d+)*(?:[\W_]{0,5}x)?")
_GROUP = re.compile(r"\d+x?|x")
_PHONE = re.compile(r"(?:00)?(?:86)?1[3-9]\d{9}")
_COUNTRY = ("86", "0086")
# The sizes of the groups in which a phone's eleven digits are written, besides 138 1234 5678 and its parts.
_PHONE_GROUPS = {(11,), (3, 8), (7, 4), (3, 3, 5)}
# Sums of money and dates have fewer digits in one group.
_UNPARTED = 15
_BANK_CARD = re.compile(r"[34569]\d{15,18}")
_CHINESE_CARD = re.compile(r"62\d{17}")
_IDENTITY_CARD = re.compile(r"[1-8]\d{5}((?:19|20)\d\d)(\d\d)(\d\d)\d{3}[\dx]")


def holds_private_number(text: str) -> bool:
    """Tell whether the text contains a phone, ID or bank number, however its digits are written and grouped."""
    return any(_is_private(_GROUP.findall(run[0])) for run in _RUN.finditer(numerals.read_out(text)))


def _is_private(groups: list[str]) -> bool:
    if any(len(group) >= _UNPARTED or _PHONE.fullmatch(group) for group in groups):
        return True
    alone = groups[1:] if groups[0] in _COUNTRY else groups
    if all(len(group) <= 2 for group in alone) and _PHONE.fullmatch("".join(alone)):
        return True
    return any(_is_phone(some) or _is_card("".join(some)) for some in _neighbours(groups))


def _neighbours(groups: list[str]) -> Iterator[list[str]]:
    """Yield every run of up to 19 adjacent groups; a bank number has at most 19 digits."""
    for start in range(len(groups)):
        for end in range(start + 1, min(len(groups), start + 19) + 1):
            yield groups[start:end]


def _is_phone(groups: list[str]) -> bool:
    sizes = [len(group) for group in groups]
    is_grouped = tuple(sizes) in _PHONE_GROUPS or {3, 7} <= set(accumulate(sizes))
    return is_grouped and sum(sizes) == 11 and _PHONE.fullmatch("".join(groups)) is not None


def _is_card(figures: str) -> bool:
    is_bank_card = _BANK_CARD.fullmatch(figures) is not None and (_CHINESE_CARD.match(figures) or _luhn(figures))
    return bool(is_bank_card) or _is_identity_card(figures)


def _is_identity_card(figures: str) -> bool:
    """Tell an ID number by the valid date of birth in its middle, which a row of years or amounts seldom has."""
    match = _IDENTITY_CARD.fullmatch(figures)
    try:
        return match is not None and bool(date(*map(int, match.groups())))
    except ValueError:
        return False


def _luhn(figures: str) -> bool:
    doubled = (int(figure) * (2 if place % 2 else 1) for place, figure in enumerate(reversed(figures)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
