"""Numbers by which a person can be reached or robbed: they never get into words that everybody reads."""

import re

from flows import numerals

# What is written between the figures of one number, once: a blank, a dot, a dash.
_BETWEEN = re.compile(r"(?<=\d)[\s.·\-_/—](?=\d)")
# A mobile number, or figures enough for an ID card (the last may be an x) or a bank card.
_PRIVATE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|\d{14}[\dx]")


def holds_private_number(text: str) -> bool:
    """Is there a phone, ID or bank number in it, however its figures are written and parted?"""
    return _PRIVATE.search(_BETWEEN.sub("", numerals.read_out(text))) is not None
