"""Read the officer's present place: a WeChat location, sent from the spot."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from flows.engine.world import World
from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Reader, Reading, Rejected
from models.people.message import Message, MessageKind

_LONGEST_LABEL = 100


@dataclass(frozen=True)
class Here(Reader):
    """Value: {"latitude", "longitude", "label"}; the label is the map's name of the place, and may be empty.

    Typed or spoken words are rejected. Code: not_a_location.
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return ("not_a_location",)

    def read(self, message: Message, asking: Asking) -> Reading:
        point = message.point
        if message.kind is not MessageKind.LOCATION or point is None:
            return Rejected("not_a_location")
        label = " ".join(clean(point.label).split())[:_LONGEST_LABEL]
        value = {"latitude": point.latitude, "longitude": point.longitude, "label": label}
        return self.check(value, asking) or Accepted(value)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not isinstance(value, dict) or not isinstance(value.get("label"), str):
            return Rejected("not_a_location")
        within = _is_within(value.get("latitude"), 90) and _is_within(value.get("longitude"), 180)
        return None if within else Rejected("not_a_location")

    def shown(self, value: Any, world: World) -> Any:
        return value["label"]


def _is_within(degrees: Any, limit: int) -> bool:
    return isinstance(degrees, int | float) and isfinite(degrees) and abs(degrees) <= limit
