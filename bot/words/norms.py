"""Read config/norms.toml, and refuse to start on an invalid price or word."""

from collections.abc import Iterable, Mapping
from typing import Any

from flows.language.lexicon import Norms, Price, Thing
from flows.language.wording import plain


class BadNorms(ValueError):
    """An entry is invalid; the message names it and says what is wrong."""


def read_norms(norms: Mapping[str, Any]) -> Norms:
    """Read the norms. Raises BadNorms."""
    things = tuple(_thing(thing) for listed in norms["things"].values() for thing in listed)
    words = {name: tuple(norms["words"][name]) for name in ("odd", "brands", "harmless")}
    _refuse_twice([*(word for thing in things for word in thing.words), *words["odd"], *words["brands"]])
    _refuse_unfolded([*norms["tails"], *words["harmless"]])
    return Norms(things, tuple(norms["tails"]), **words)


def _thing(thing: Mapping[str, Any]) -> Thing:
    words = tuple(thing["words"])
    prices = tuple(_price(price, words) for price in thing["prices"])
    units = [unit for price in prices for unit in price.per]
    if not words or not prices or len(set(units)) < len(units):
        raise BadNorms(f"{words}: needs words, prices, and each unit once")
    return Thing(words, bool(thing.get("one")), prices)


def _price(price: Mapping[str, Any], words: Iterable[str]) -> Price:
    low, high = round(price["low"] * 100), round(price["high"] * 100)
    if not 0 < low <= high or not price["per"]:
        raise BadNorms(f"{words}: a price goes from low to high, above zero, for some unit")
    return Price(tuple(price["per"]), low, high)


def _refuse_twice(words: list[str]) -> None:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            raise BadNorms(f"{word!r} stands twice")
        seen.add(word)
    _refuse_unfolded(words)


def _refuse_unfolded(words: Iterable[str]) -> None:
    for word in words:
        if not word or plain(word) != word:
            raise BadNorms(f"{word!r} is written as nobody's typing is ever folded")
