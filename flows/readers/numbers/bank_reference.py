"""Read the number of a bank account or transfer: digits and perhaps letters, in groups as banks print them."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from flows.engine.world import World
from flows.language import numerals
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

_SEPARATORS = re.compile(r"[\s\-_.·—]+")
_ALLOWED = re.compile("[0-9A-Z]+")
_SHOWN = 4


@dataclass(frozen=True)
class Reference(WordsReader):
    """Value: ``min`` to ``max`` digits and letters, without separators.

    ``digits``: digits alone, which may be read out in 汉字. ``hidden``: only the last four are shown again.
    Codes: not_text, not_heard, not_reference, wrong_length (``length``, ``min``, ``max``).
    """

    min: int = 4
    max: int = 40
    digits: bool = False
    hidden: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_reference", "wrong_length")

    def read_words(self, text: str, asking: Asking) -> Reading:
        folded = unicodedata.normalize("NFKC", numerals.read_out(text) if self.digits else text)
        number = _SEPARATORS.sub("", folded).upper()
        return self.check(number, asking) or Accepted(number)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        number = value if isinstance(value, str) else ""
        if not _ALLOWED.fullmatch(number) or not any(one.isdigit() for one in number):
            return Rejected("not_reference")
        if self.digits and not number.isdigit():
            return Rejected("not_reference")
        if not self.min <= len(number) <= self.max:
            return Rejected("wrong_length", {"length": len(number), "min": self.min, "max": self.max})
        return None

    def shown(self, value: Any, world: World) -> Any:
        return f"****{value[-_SHOWN:]}" if self.hidden else value

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {"min": self.min, "max": self.max}
