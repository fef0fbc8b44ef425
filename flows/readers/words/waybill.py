"""Read a carrier's waybill, or the words that there is none."""

from dataclasses import dataclass
from typing import Any, ClassVar

from flows.engine.world import World
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader
from models.goods.matches.carriers import BadWaybill, normal_waybill


@dataclass(frozen=True)
class Waybill(WordsReader):
    """Value: the normalised number; empty where it has none, or was brought by hand. Code: bad_waybill."""

    free: ClassVar[bool] = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "bad_waybill")

    def read_words(self, text: str, asking: Asking) -> Reading:
        if asking.world.lexicon.means("no_waybill", text):
            return Accepted("")
        try:
            return Accepted(normal_waybill(text))
        except BadWaybill as refusal:
            return Rejected("bad_waybill", refusal.values)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        try:
            return None if value == "" or normal_waybill(value) == value else Rejected("bad_waybill", {"given": ""})
        except BadWaybill as refusal:
            return Rejected("bad_waybill", refusal.values)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {"none": asking.world.lexicon.words["no_waybill"][0]}

    def shown(self, value: Any, world: World) -> Any:
        return value
