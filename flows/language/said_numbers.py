"""Find the one number that a short sentence says (我捐五十块, 就捐20吧, 医药费五万); of two numbers it takes neither.

The words that may stand around the number are in config/readers.toml.
"""

import re
from collections.abc import Callable, Iterable
from fractions import Fraction

from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.language.numerals import Parse, Unread
from flows.language.wording import simplified

_NUMERAL = re.compile("[半0-9零一二三四五六七八九十百千万亿两几]")
_LATIN = re.compile("[a-z]")
_BETWEEN = " ,:;、.。!"


def said_number(
    text: str, strict: Parse, lexicon: Lexicon, *, unmistakable: re.Pattern[str] | None = None, also: Iterable[str] = ()
) -> Fraction | Unread:
    """Read the whole text by ``strict``, else the only number in it, between words that may stand around one.

    ``also``: further words that may stand before it.
    ``unmistakable``: what a number must contain to be read after other words, too (医药费五万); None: it never is.
    """
    folded = numerals.fold(text)
    number = strict(folded)
    if number is not Unread.NOT_A_NUMBER or len(folded) > numerals.LONGEST:
        return number
    leads = (*lexicon.words["leads_to_amount"], *also)
    rest = without_tail(simplified(folded), lexicon)
    return _in_sentence(rest, strict, lexicon, leads=leads, unmistakable=unmistakable)


def without_tail(folded: str, lexicon: Lexicon) -> str:
    """Remove the polite words at the end of a folded text: 二十块钱吧, 50行吗. Too long a text stays as it is."""
    while len(folded) <= numerals.LONGEST and (tail := _known(folded, lexicon.words["polite_tails"], str.endswith)):
        folded = folded.removesuffix(tail).rstrip(_BETWEEN)
    return folded


def _in_sentence(
    rest: str, strict: Parse, lexicon: Lexicon, *, leads: Iterable[str], unmistakable: re.Pattern[str] | None
) -> Fraction | Unread:
    # A single 来 or 到 makes an estimate only beside the number, which ``strict`` sees.
    estimates = [word for word in lexicon.words["vague"] if len(word) > 1]
    other, is_estimate = "", False
    while rest:
        number = strict(rest)
        if isinstance(number, Fraction):
            if other and not (unmistakable and unmistakable.search(rest) and _is_harmless(other, lexicon)):
                return Unread.NOT_A_NUMBER
            return Unread.VAGUE if is_estimate else number
        if _NUMERAL.search(rest) and (number is Unread.VAGUE or _is_rounded(rest, strict, lexicon)):
            return Unread.VAGUE
        estimate = _known(rest, estimates, str.startswith)
        if known := estimate or _known(rest, leads, str.startswith):
            is_estimate = is_estimate or bool(estimate)
            rest = rest.removeprefix(known).lstrip(_BETWEEN)
        elif _NUMERAL.match(rest) or unmistakable is None:
            break
        else:
            other, rest = other + rest[0], rest[1:]
    return Unread.NOT_A_NUMBER


def _is_rounded(rest: str, strict: Parse, lexicon: Lexicon) -> bool:
    """Tell 小两万 and 上百块."""
    word = _known(rest, lexicon.words["rounds_in_front"], str.startswith)
    return bool(word) and strict(rest.removeprefix(word)) is not Unread.NOT_A_NUMBER


def _is_harmless(words: str, lexicon: Lexicon) -> bool:
    """Tell whether words before a number neither deny it nor make it a number of something else (不要, 手机)."""
    return not _LATIN.search(words) and not any(word in words for word in lexicon.words["denies_amount"])


def _known(text: str, words: Iterable[str], stands: Callable[[str, str], bool]) -> str:
    """Return the longest of the words with which the folded text begins or ends; "" where there is none."""
    return max((word for word in map(numerals.fold, words) if stands(text, word)), key=len, default="")
