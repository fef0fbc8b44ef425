"""What may not be given, asked for or sold here, told from a thing's name. The words stand in config/keywords.toml."""

from collections.abc import Mapping
from typing import Any

from flows.lexicon import Lexicon
from flows.readers.base import Asking, Rejected
from flows.wording import plain
from models.goods import EDIBLE


def accepted(value: Any, asking: Asking) -> Rejected | None:
    """A step's check on the name of a thing: medicine, weapons, alcohol, money and the like are refused."""
    word = _found(asking.world.lexicon, "not_accepted_goods", value)
    return Rejected("not_accepted", {"word": word}) if word else None


def new_enough(value: Any, asking: Asking) -> Rejected | None:
    """A step's check on the condition: what is eaten, sown or worn next to the skin must never have been used."""
    if value == "new" or not _must_be_new(asking.answers, asking.world.lexicon):
        return None
    return Rejected("must_be_new", {"item": asking.answers["item"]})


def is_edible(answers: Mapping[str, Any]) -> bool:
    return answers.get("category") in EDIBLE


def _must_be_new(answers: Mapping[str, Any], lexicon: Lexicon) -> bool:
    return is_edible(answers) or _found(lexicon, "new_only_goods", answers["item"]) is not None


def _found(lexicon: Lexicon, name: str, thing: str) -> str | None:
    """The word of this name that the thing's name contains; a word of one character must be all of it."""
    wanted = plain(thing).replace(" ", "")
    return next((word for word in lexicon.words[name] if word == wanted or (len(word) > 1 and word in wanted)), None)
