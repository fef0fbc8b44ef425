"""Tell the sort of a thing by its category and name (config/sorts.toml); offers and requests match by it."""

import re
from collections.abc import Iterable, Iterator

from flows.language.lexicon import Lexicon
from flows.language.wording import plain

# The width of the column that stores it.
_LONGEST = 60
_IN_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]?")
_PARTS = re.compile(r"[,、;。/·|]")
_FIGURES = "0-9.零一二三四五六七八九十百千两半"


def sort_of(category: str, name: str, lexicon: Lexicon) -> str:
    """Return the sort of a thing; things of one category and one sort match each other, others never do.

    A sort is what a thing is used for, which everybody can see: any cooking oil is oil, a quilt is bedding and no
    coat. Only listed words decide: names that merely share a character (电视柜, 电视) may be different things, and a
    wrong match is worse than none. Quantity, condition, owner and unit do not count: people see them when they open
    the match. A name that no listed word fits is a sort of its own.
    """
    sorts = lexicon.sorts.get(category, {})
    whole, thing = _bare(name, lexicon)
    named = [(*place, sort) for sort, words in sorts.items() for word in words for place in _places(whole, word)]
    if named:
        return max(named)[-1]
    rest = next((sort for sort, words in sorts.items() if not words), "")
    return rest or thing[:_LONGEST]


def belonging_of(name: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the categories that list a word in which the thing's name ends, of several words the longest; or none."""
    whole, _ = _bare(name, lexicon)
    named = [(len(word), key) for key, words in lexicon.belonging.items() for word in words if whole.endswith(word)]
    longest = max((length for length, _ in named), default=0)
    return tuple(key for length, key in named if length == longest)


def _places(whole: str, word: str) -> Iterator[tuple[int, int]]:
    """Yield where the word last ends in the name, and its length: the last word decides, of two there the longer."""
    if word in whole if len(word) > 1 else whole.endswith(word):
        yield whole.rfind(word) + len(word), len(word)


def _bare(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Return the name without brackets and amounts, and the thing at its end (缝纫机 of 家里不用的缝纫机)."""
    folded = _IN_BRACKETS.sub("", plain(name)).replace(" ", "")
    amounts = rf"(?:[{_FIGURES}]+{_one_of((*lexicon.words['measure'], *lexicon.words['size']))})+"
    in_front = re.compile(rf"^(?:{amounts}|{_one_of(lexicon.words['sort_state'])})")
    behind = re.compile(rf"{amounts}$")
    for whole in (behind.sub("", part) for part in _PARTS.split(folded)):
        thing = re.split(_one_of(lexicon.words["sort_of"]), whole)[-1]
        while (shorter := in_front.sub("", thing)) != thing:
            thing = shorter
        if thing:
            return whole, thing
    return plain(name), plain(name)


def _one_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"
