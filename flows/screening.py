"""What may not be given, asked for or sold here, and what is food, told from a thing's name.

The words stand in config/keywords.toml and config/readers.toml.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.lexicon import Lexicon
from flows.readers import Text
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.wording import plain
from flows.world import World
from models.goods import EDIBLE

# Stands where a harmless word was: nothing is read across it.
_GAP = "·"
_FIGURES = "0-9零一二三四五六七八九十百千两半"
# 2袋, 三大罐
_AMOUNT = re.compile(rf"[{_FIGURES}]+[^\W\d_]{{0,3}}$")
_IN_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]?")


@dataclass(frozen=True)
class GoodsName(Text):
    """A thing's name. Value: {"name", "edible"}, for no category says for sure that a thing is not eaten."""

    name: bool = True
    public: bool = True

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return super().check(value.get("name") if isinstance(value, dict) else None, asking)

    def _whole(self, text: str, asking: Asking) -> Reading:
        thing = {"name": text, "edible": is_food(text, asking.world.lexicon)}
        return self.check(thing, asking) or Accepted(thing)

    def shown(self, value: Any, world: World) -> Any:
        return name_of(value)


def name_of(thing: Any) -> Any:
    """The name in an answer to ``GoodsName`` or ``Text``."""
    return thing.get("name") if isinstance(thing, dict) else thing


def accepted(value: Any, asking: Asking) -> Rejected | None:
    """A step's check on the name of a thing: medicine, weapons, alcohol, money and the like are refused."""
    lexicon = asking.world.lexicon
    name = _without(_joined(name_of(value)), lexicon.words["not_medicine"])
    word = _found(name, lexicon.words["not_accepted_goods"]) or _medicine(name, lexicon)
    return Rejected("not_accepted", {"word": word}) if word else None


def new_enough(value: Any, asking: Asking) -> Rejected | None:
    """A step's check on the condition: what is eaten, sown or worn next to the skin must never have been used."""
    if value == "new" or not _must_be_new(asking.answers, asking.world.lexicon):
        return None
    return Rejected("must_be_new", {"item": name_of(asking.answers["item"])})


def is_edible(answers: Mapping[str, Any]) -> bool:
    """By its category or by its name."""
    item = answers.get("item")
    return answers.get("category") in EDIBLE or (isinstance(item, dict) and item.get("edible") is True)


def is_food(name: str, lexicon: Lexicon) -> bool:
    """Does the name hold a kind of food, and not end in what food is kept, made or grown with (水果刀, 茶叶罐)?"""
    thing = _IN_BRACKETS.sub("", _joined(name))
    if _AMOUNT.sub("", thing).endswith(lexicon.words["not_food_endings"]):
        return False
    return _found(_without(thing, lexicon.words["not_food"]), lexicon.words["food_goods"]) is not None


def _must_be_new(answers: Mapping[str, Any], lexicon: Lexicon) -> bool:
    name = _joined(name_of(answers["item"]))
    return is_edible(answers) or _found(name, lexicon.words["new_only_goods"]) is not None


def _medicine(name: str, lexicon: Lexicon) -> str | None:
    """The part of the name that ends as medicines do: 六味地黄丸, but not 30片, which is a count."""
    endings = "|".join(map(re.escape, lexicon.words["medicine_endings"]))
    match = re.search(rf"[^\W\d_{_GAP}]*[^\W\d_{_FIGURES}{_GAP}](?:{endings})(?=[{_FIGURES}]|[\W\d_]|$)", name)
    return match[0] if match else None


def _joined(name: str) -> str:
    return plain(name).replace(" ", "")


def _without(name: str, harmless: Iterable[str]) -> str:
    for word in sorted(harmless, key=len, reverse=True):
        name = name.replace(word, _GAP)
    return name


def _found(name: str, words: Iterable[str]) -> str | None:
    """The one of these words that the name contains; a word of one character must be all of it."""
    return next((word for word in words if word == name or (len(word) > 1 and word in name)), None)
