"""Read a place, a WeChat location or a typed name, and resolve it to a region of the official tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from flows.engine.world import Region, World
from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from flows.readers.words.place_names import depth, is_meant, is_surely_meant, lies_outside
from flows.readers.words_reader import WORDS_WANTED, WordsReader
from models.people.message import Kind, Message, Point
from models.places.region import LEVELS

Level = Literal["province", "city", "county", "township", "village"]
_MOST_OFFERED = 9
_MOST_NAMED = 3
_LONGEST_ECHO = 30


@dataclass(frozen=True)
class Place(WordsReader):
    """Value: {"code", "name", "latitude", "longitude", "detail"}; the last three are None or "" for a typed name.

    ``level``: the widest level that is accepted. Nothing is guessed: only a
    place that is named with one above it, or a county named alone, is accepted;
    any other match, even the only one, is offered (macro ``which``). A place
    named by its former name is offered too, as its successor: the offered value
    then has that name as ``formerly``.
    Codes: not_text, not_heard, place_unknown (``given``), place_unlabelled (a
    location without words), place_gone (the region of an earlier answer has
    ended: ``name``, and ``now`` its successor, or ""), and with a level below
    province place_too_wide (``names``: all possible places, at most three;
    ``formerly``: the former names of some of them; ``level``).
    """

    level: Level = "county"

    @property
    def codes(self) -> tuple[str, ...]:
        too_wide = ("place_too_wide",) if self.level != LEVELS[0] else ()
        return (*WORDS_WANTED, "place_unknown", "place_unlabelled", "place_gone", *too_wide)

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("which",)

    def read(self, message: Message, asking: Asking) -> Reading:
        if message.kind is not Kind.LOCATION:
            return super().read(message, asking)
        label = clean(message.point.label) if message.point else ""
        return self._find(label, message.point, asking) if label else Rejected("place_unlabelled")

    def read_words(self, text: str, asking: Asking) -> Reading:
        return self._find(clean(text), None, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not isinstance(value, dict) or not isinstance(value.get("code"), str) or "name" not in value:
            return Rejected("place_unknown", {"given": ""})
        region = asking.world.region(value["code"])
        if region and region.gone:
            now = region.successor.full_name if region.successor else ""
            return Rejected("place_gone", {"name": value["name"], "now": now})
        return None if self._is_small_enough(value["code"]) else self._too_wide({value["name"]: None})

    def shown(self, value: Any, world: World) -> Any:
        return value["name"]

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {"level": self.level}

    def _find(self, words: str, point: Point | None, asking: Asking) -> Reading:
        found = asking.world.find_regions(words) if words else []
        regions = _inside([region for region in found if is_meant(region, words, asking.world)], words, asking.world)
        if not regions:
            return Rejected("place_unknown", {"given": words[:_LONGEST_ECHO]})
        wide = [region for region in regions if not self._is_small_enough(region.today.code)]
        # A city and a distant township may have the same name: then the city is meant.
        if wide:
            return self._too_wide({region.today.full_name: _formerly(region) for region in wide[:_MOST_NAMED]})
        if len(regions) == 1 and not regions[0].gone and is_surely_meant(regions[0], words, asking.world):
            return Accepted(_value(regions[0], point))
        return Offer(tuple((region.today.full_name, _value(region, point)) for region in regions[:_MOST_OFFERED]))

    def _is_small_enough(self, code: str) -> bool:
        return depth(code) >= LEVELS.index(self.level)

    def _too_wide(self, names: Mapping[str, str | None]) -> Rejected:
        """Reject places that are too wide. ``names``: today's name -> the former name that was used, if any."""
        formerly = {name: old for name, old in names.items() if old}
        return Rejected("place_too_wide", {"names": list(names), "formerly": formerly, "level": self.level})


def _inside(regions: list[Region], words: str, world: World) -> list[Region]:
    """Keep the regions that lie in the places named before them; where none does, return these places instead."""
    outside = [lies_outside(region, words, world) for region in regions]
    inside = [region for region, wider in zip(regions, outside, strict=True) if not wider]
    return inside or [*{region.today.code: region for wider in outside for region in wider}.values()]


def _formerly(region: Region) -> str | None:
    """Return the former name that was used, in full where the region's own name has not changed; None for today's."""
    if not region.gone:
        return None
    return region.full_name if region.name == region.today.name else region.name


def _value(region: Region, point: Point | None) -> dict[str, Any]:
    formerly = _formerly(region)
    return {
        "code": region.today.code,
        "name": region.today.full_name,
        "latitude": point.latitude if point and isfinite(point.latitude) else None,
        "longitude": point.longitude if point and isfinite(point.longitude) else None,
        "detail": clean(point.label) if point else "",
        **({"formerly": formerly} if formerly else {}),
    }
