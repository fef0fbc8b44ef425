"""What is the like of what: the sort of a thing, told from its category and its name (config/sorts.toml)."""

import re
from collections.abc import Iterable, Iterator

from flows.language.lexicon import Lexicon
from flows.language.wording import plain

# As wide as the column that keeps it.
_LONGEST = 60
_IN_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]?")
_PARTS = re.compile(r"[,、;。/·|]")
_FIGURES = "0-9.零一二三四五六七八九十百千两半"


def sort_of(category: str, name: str, lexicon: Lexicon) -> str:
    """The things of one category and one sort are the like of each other; those of two never are.

    By what a thing is for, so that everybody can see why: any cooking oil is oil, a quilt is bedding and no coat.
    Only by a word that stands in the list: two names that merely share a sign (电视柜, 电视) may be two things, and
    news of the wrong thing is worse than none. How much, how new and whose it is plays no part, and neither does the
    unit: people see all that when they look. A name that no word knows is a sort of its own.
    """
    sorts = lexicon.sorts.get(category, {})
    whole, thing = _bare(name, lexicon)
    named = [(*place, sort) for sort, words in sorts.items() for word in words for place in _places(whole, word)]
    if named:
        return max(named)[-1]
    rest = next((sort for sort, words in sorts.items() if not words), "")
    return rest or thing[:_LONGEST]


def _places(whole: str, word: str) -> Iterator[tuple[int, int]]:
    """Where the word ends in the name, and how long it is: the last one counts, and of two there the longer."""
    if word in whole if len(word) > 1 else whole.endswith(word):
        yield whole.rfind(word) + len(word), len(word)


def _bare(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """The name without brackets and amounts, and the thing itself at its end: of 家里不用的缝纫机 the last word."""
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
