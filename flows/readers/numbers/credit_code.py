"""Read an organisation's unified social credit code (GB 32100): eighteen characters, and the last one checks them."""

import re
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from stdnum.cn import uscc

from flows.engine.world import World
from flows.language import numerals
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

_LENGTH = 18
_OTHER = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True)
class CreditCode(WordsReader):
    """Value: eighteen characters in capitals. Digits may be read out in 汉字; words may precede it.

    Codes: not_text, not_heard, code_length (``length``), code_checksum (a typing error).
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "code_length", "code_checksum")

    def read_words(self, text: str, asking: Asking) -> Reading:
        # A letter stays what it is: as a numeral K would be a thousand.
        said = "".join(sign if sign.isascii() else numerals.read_out(sign) for sign in normalize("NFKC", text))
        code = _OTHER.sub("", said.upper())
        return self.check(code, asking) or Accepted(code)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        code = value if isinstance(value, str) else ""
        if len(code) != _LENGTH:
            return Rejected("code_length", {"length": len(code)})
        return None if uscc.is_valid(code) else Rejected("code_checksum")

    def shown(self, value: Any, world: World) -> Any:
        return value
