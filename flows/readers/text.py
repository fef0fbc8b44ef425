"""Words to keep as they are: a title, a name, a story told in several messages."""

from dataclasses import dataclass
from typing import Any

from flows.readers.base import Accepted, Asking, Partial, Reading, Rejected
from flows.readers.spoken import WORDS_WANTED, Spoken
from flows.wording import clean


@dataclass(frozen=True)
class Text(Spoken):
    """Value: the cleaned text, ``min`` to ``max`` characters; None where ``optional`` and skipped.

    ``many``: messages are put together, a line each, until the word ``finish``;
    the ``more`` macro gets ``length``, ``min``, ``max`` and ``missing``.
    Codes: not_text, not_heard, too_short, too_long, with ``length``, ``min``, ``max``.
    A message that would make a long text too long is left out; the rest stays.
    """

    min: int = 1
    max: int = 500
    many: bool = False
    optional: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "too_short", "too_long")

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("more",) if self.many else ()

    def hear(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        before = asking.so_far or ""
        skipped = self.optional and lexicon.means("skip", text)
        if skipped and not before:
            return Accepted(None)
        if not self.many:
            return self._whole(clean(text), asking)
        if skipped or lexicon.means("finish", text):
            return self._whole(before, asking)
        return self._gather(f"{before}\n{clean(text)}".strip())

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if value is None and self.optional:
            return None
        length = len(value) if isinstance(value, str) else 0
        if length < self.min:
            return Rejected("too_short", self._values(length))
        if length > self.max:
            return Rejected("too_long", self._values(length))
        return None

    def facts(self, asking: Asking) -> dict[str, Any]:
        return self._values(len(asking.so_far or ""))

    def _whole(self, text: str, asking: Asking) -> Reading:
        return self.check(text, asking) or Accepted(text)

    def _gather(self, text: str) -> Reading:
        if len(text) > self.max:
            return Rejected("too_long", self._values(len(text)))
        return Partial(text, self._values(len(text)))

    def _values(self, length: int) -> dict[str, Any]:
        return {"length": length, "min": self.min, "max": self.max, "missing": max(0, self.min - length)}
