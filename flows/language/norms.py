"""Flag an appeal's words for a second look: prices far above the usual, odd things, expensive brands.

Pure functions over config/norms.toml. Doubtful words are not flagged: a wrong flag costs trust.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from math import prod

from flows.language import numerals
from flows.language.lexicon import Lexicon, Norms, Price, Thing
from flows.language.numerals import FIGURES, UNITS, Unread
from flows.language.wording import plain
from models.appeals.flag import NewFlag

# Replaces a word, so that the parts beside it are not read together.
_GAP = "·"
_IN_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]?")
_FIGURES = rf"[0-9][0-9,.]*[{UNITS}]*|[{FIGURES}{UNITS}]+"
# 缝纫机x2, but not 2米x3米
_TIMES = re.compile(r"[x×*]\s*([0-9]+)(?![0-9.]*[^\W\d_])")
_BETWEEN = re.compile(rf"[\s,、+;:/{_GAP}]+")
_PARTS = re.compile(r"[,、+;]+")


def signs(title: str, story: str, budget: Sequence[tuple[str, int]], lexicon: Lexicon) -> list[NewFlag]:
    """Find the signs in an appeal's words, each once: prices, then odd things, then brands.

    ``budget``: (item, fen) pairs.
    """
    items = [item for item, _ in budget]
    found = [
        NewFlag("over_price", item, usual)
        for item, fen in budget
        if (usual := usual_fen(item, lexicon)) and fen > usual
    ]
    found += [NewFlag("odd_item", word) for word in named_in([title, *items], lexicon.norms.odd, lexicon.norms)]
    found += [NewFlag("brand", word) for word in named_in([title, story, *items], lexicon.norms.brands, lexicon.norms)]
    return list(dict.fromkeys(found))


def named_in(texts: Iterable[str], words: Iterable[str], norms: Norms) -> list[str]:
    """List those of the words that one of the texts contains, outside of harmless words."""
    folded = "\n".join(_without(plain(text), norms.harmless) for text in texts)
    return [word for word in words if _stands_in(word, folded)]


def usual_fen(item: str, lexicon: Lexicon) -> int | None:
    """Return the highest usual price (fen) of a budget line's things together; None where it is unknown."""
    text = _IN_BRACKETS.sub(" ", plain(item))
    joins = "|".join(map(re.escape, lexicon.words["joins"]))
    parts = [part for part in re.split(f"{_PARTS.pattern}|{joins}", text) if part.strip()]
    usual = [_usual_of(part, lexicon) for part in parts]
    return sum(fen for fen in usual if fen) if usual and all(usual) else None


def _usual_of(part: str, lexicon: Lexicon) -> int | None:
    found = _thing_in(part, lexicon)
    if found is None:
        return None
    thing, rest = found
    counts = list(_counts(rest, lexicon))
    price = _price_for(thing, [unit for _, unit in counts])
    if price is None:
        return None
    others = {unit for other in thing.prices if other is not price for unit in other.per}
    measures = {*lexicon.words["measure"], ""} - others
    return price.high_fen * prod(number for number, unit in counts if unit in price.per or unit in measures)


def _price_for(thing: Thing, units: Sequence[str]) -> Price | None:
    """Choose the price for a written unit; without one, the first price of a thing that counts as one."""
    for unit in units:
        for price in thing.prices:
            if unit in price.per:
                return price
    return thing.prices[0] if thing.one or "" in units else None


def _thing_in(part: str, lexicon: Lexicon) -> tuple[Thing, str] | None:
    """Find the only thing in whose name a word of the part ends, and the part without that name; None otherwise."""
    norms = lexicon.norms
    words = [word for word in _BETWEEN.split(_without_counts(part, lexicon)) if word]
    named = {name for word in words for end in _ends(word, norms) if (name := _name(end, norms))}
    if len({norms.named[name] for name in named}) != 1:
        return None
    longest = max(named, key=len)
    return norms.named[longest], part.replace(longest, _GAP, 1)


def _name(word: str, norms: Norms) -> str | None:
    """Return the longest known name in which the word ends."""
    return next((word[start:] for start in range(len(word)) if word[start:] in norms.named), None)


def _ends(word: str, norms: Norms) -> Iterator[str]:
    """Yield the word, or, where it ends in no name, the word without a suffix that may follow a name."""
    if _name(word, norms):
        yield word
        return
    for tail in norms.tails:
        if word.endswith(tail) and _name(word.removesuffix(tail), norms):
            yield word.removesuffix(tail)
            return


def _without_counts(part: str, lexicon: Lexicon) -> str:
    """Replace each number that counts something by a gap; numbers inside a name (三轮车) stay."""
    return _TIMES.sub(_GAP, _counted(lexicon).sub(_GAP, part))


def _counts(rest: str, lexicon: Lexicon) -> Iterator[tuple[int, str]]:
    """Yield (number, unit) as written; the unit of 缝纫机x2 is empty."""
    folded = numerals.fold(rest)
    for number in _TIMES.findall(folded):
        yield int(number), ""
    for found in _counted(lexicon).finditer(folded):
        number = numerals.parse(found["number"])
        if not isinstance(number, Unread) and number >= 1:
            yield int(number), found["unit"]


def _counted(lexicon: Lexicon) -> re.Pattern[str]:
    units = {*lexicon.words["measure"], *lexicon.words["size"], *lexicon.norms.units}
    longest_first = "|".join(map(re.escape, sorted(units, key=len, reverse=True)))
    return re.compile(rf"(?P<number>{_FIGURES})\s*(?P<unit>{longest_first})")


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, _GAP)
    return text


def _stands_in(word: str, folded: str) -> bool:
    """Tell whether the text contains the word: Latin letters as a whole word, characters anywhere, even spaced."""
    if word.isascii():
        return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z])", folded) is not None
    return word in folded or word in folded.replace(" ", "")
