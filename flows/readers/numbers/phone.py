"""Read a mobile phone number of the mainland."""

import re
from dataclasses import dataclass
from typing import Any

from flows.engine.world import World
from flows.language import numerals
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

_MOBILE = re.compile("1[3-9][0-9]{9}")
_SEPARATORS = re.compile(r"[\s\-()]")
_LEAD = re.compile(r"^[^0-9+(]+")
_COUNTRY = re.compile(r"^(?:\+|00)?86(?=1[0-9]{10}$)")


@dataclass(frozen=True)
class Phone(WordsReader):
    """Value: eleven digits; None where ``optional`` and skipped. Spaces, dashes and +86 are removed.

    Digits may be read out in 汉字; words may precede it (我的号码是).

    Codes: not_text, not_heard, not_phone (``length``: how many digits the message has).
    """

    optional: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_phone")

    def read_words(self, text: str, asking: Asking) -> Reading:
        if self.optional and asking.world.lexicon.means("skip", text):
            return Accepted(None)
        number = _LEAD.sub("", numerals.read_out(text))
        number = _COUNTRY.sub("", _SEPARATORS.sub("", number))
        return self.check(number, asking) or Accepted(number)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if value is None and self.optional:
            return None
        number = value if isinstance(value, str) else ""
        if _MOBILE.fullmatch(number):
            return None
        return Rejected("not_phone", {"length": len(re.findall("[0-9]", number))})

    def shown(self, value: Any, world: World) -> Any:
        return f"{value[:3]}****{value[-4:]}"
