"""Read a thing's name, and tell by it what may not be given, asked for or sold, and what is food.

The words are in config/keywords.toml and config/readers.toml.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.engine.world import World
from flows.language.lexicon import Lexicon
from flows.language.sorts import belonging_of
from flows.language.wording import plain
from flows.readers import Text
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words.goods_category import category_in
from models.goods.exchange import EDIBLE

# In these categories a name must end in a food's name to be food: 面包服 is clothes.
_SELDOM_EATEN = ("clothes", "books", "tools", "household")
# Replaces a harmless word, so that the parts beside it are not read together.
_GAP = "·"
_FIGURES = "0-9零一二三四五六七八九十百千两半"
# 2袋, 三大罐
_AMOUNT = re.compile(rf"[{_FIGURES}]+[^\W\d_]{{0,3}}$")
_IN_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]?")


@dataclass(frozen=True)
class GoodsName(Text):
    """Value: {"name", "edible", "surely", "belongs"}.

    Edibility is told by the name, since no category excludes food for certain. ``surely``: it is edible even in the
    categories household things, tools, clothes or books. ``belongs``: the categories that the name belongs to.
    """

    name: bool = True
    public: bool = True

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return super().check(value.get("name") if isinstance(value, dict) else None, asking)

    def _whole(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        fault = super().check(text, asking)
        if fault:  # too long a text would also take long to be judged
            return fault
        return Accepted(named(text, lexicon))

    def shown(self, value: Any, world: World) -> Any:
        return name_of(value)


def named(name: str, lexicon: Lexicon) -> dict[str, Any]:
    """Return the answer that a name makes."""
    return {
        "name": name,
        "edible": is_food(name, lexicon),
        "surely": is_surely_food(name, lexicon),
        "belongs": list(belonging_of(name, lexicon)),
    }


def name_of(thing: Any) -> Any:
    """Return the name in an answer to ``GoodsName`` or ``Text``."""
    return thing.get("name") if isinstance(thing, dict) else thing


def accepted(value: Any, asking: Asking) -> Rejected | None:
    """Check a step's thing: medicine, weapons, alcohol, money and the like are rejected."""
    lexicon = asking.world.lexicon
    name = plain(name_of(value))
    harmful = _without_harmless(name, lexicon)
    word = _found(harmful, lexicon.words["not_accepted_goods"]) or _medicine(harmful, lexicon)
    return Rejected("not_accepted", {"word": word}) if word else None


def new_enough(value: Any, asking: Asking) -> Rejected | None:
    """Check a step's condition: what is eaten, sown or worn next to the skin must be new."""
    if value == "new" or not _must_be_new(asking.answers, asking.world.lexicon):
        return None
    return Rejected("must_be_new", {"item": name_of(asking.answers["item"])})


def is_edible(answers: Mapping[str, Any]) -> bool:
    """Tell whether the thing is food, by its category or its name."""
    category, item = category_in(answers), answers.get("item")
    if category in EDIBLE or not isinstance(item, dict):
        return category in EDIBLE
    return item.get("surely" if category in _SELDOM_EATEN else "edible") is True


def is_food(name: str, lexicon: Lexicon) -> bool:
    """Tell whether the name contains a food, and does not end in a utensil or container (水果刀, 茶叶罐)."""
    return any(
        _found(part, lexicon.words["food_goods"]) is not None or part.endswith(lexicon.words["food_endings"])
        for part in _eatable(name, lexicon)
    )


def is_surely_food(name: str, lexicon: Lexicon) -> bool:
    """Tell whether the name ends in a food: 东北大米, but not 面包服."""
    words = tuple(word for word in lexicon.words["food_goods"] if len(word) > 1)
    return any(
        part in lexicon.words["food_goods"] or part.endswith((*words, *lexicon.words["food_endings"]))
        for part in _eatable(name, lexicon)
    )


def _eatable(name: str, lexicon: Lexicon) -> Iterator[str]:
    """Yield the parts of a name that end in no utensil or container, without amounts and look-alikes of food."""
    measures = (*lexicon.words["measure"], *lexicon.words["size"])
    in_front = re.compile(rf"^(?:[{_FIGURES}]+[^\W\d_]?{_one_of(measures)})+")
    for part in re.split(_one_of(lexicon.words["joins"]), _IN_BRACKETS.sub("", _joined(name))):
        bare = _AMOUNT.sub("", in_front.sub("", part)) or part
        if not bare.endswith(lexicon.words["not_food_endings"]):
            yield _without(bare, lexicon.words["not_food"])


def _must_be_new(answers: Mapping[str, Any], lexicon: Lexicon) -> bool:
    name = _joined(name_of(answers["item"]))
    return is_edible(answers) or _found(name, lexicon.words["new_only_goods"]) is not None


def _without_harmless(name: str, lexicon: Lexicon) -> str:
    """Join the name, without parts that end harmlessly (农药喷雾器) and without harmless words."""
    parts = re.split(rf"(\W+|{_one_of(lexicon.words['joins'])})", name)
    kept = (_GAP if part.endswith(lexicon.words["harmless_endings"]) else part for part in parts)
    return _without("".join(kept).replace(" ", ""), lexicon.words["not_medicine"])


def _medicine(name: str, lexicon: Lexicon) -> str | None:
    """Return the part of the name that ends as medicines do: 六味地黄丸, but not 30片, which is a count."""
    words = lexicon.words
    close = _one_of(stem for stem in words["medicine_stems"] if len(stem) == 1)
    anywhere = _one_of(stem for stem in words["medicine_stems"] if len(stem) > 1)
    letters = rf"[^\W\d_{_GAP}]*"
    ends = rf"[^\W\d_{_FIGURES}{_GAP}]{_one_of(words['medicine_endings'])}"
    is_a_form = rf"(?:{anywhere}{letters}|{close}){_one_of(words['medicine_forms'])}"
    behind = rf"(?=[{_FIGURES}]|[\W\d_]|$|{_one_of(words['joins'])})"
    match = re.search(rf"{letters}(?:{ends}|{is_a_form}){behind}", name)
    return match[0] if match else None


def _one_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


def _joined(name: str) -> str:
    return plain(name).replace(" ", "")


def _without(name: str, harmless: Iterable[str]) -> str:
    for word in sorted(harmless, key=len, reverse=True):
        name = name.replace(word, _GAP)
    return name


def _found(name: str, words: Iterable[str]) -> str | None:
    """Return the first of these words that the name contains; a word of one character must be the whole name."""
    return next((word for word in words if word == name or (len(word) > 1 and word in name)), None)
