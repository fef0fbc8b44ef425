"""Read the work number of a member of staff."""

import re
from dataclasses import dataclass
from typing import Any

from flows.language import numerals
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

_WORK_NO = re.compile("[0-9A-Z][0-9A-Z-]{1,19}")


@dataclass(frozen=True)
class WorkNumber(WordsReader):
    """Value: the number in capital letters, without spaces; digits may be read out in 汉字.

    Codes: not_text, not_heard, not_work_no.
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_work_no")

    def read_words(self, text: str, asking: Asking) -> Reading:
        said = "".join(numerals.read_out(text).split()).upper()
        for word in asking.world.lexicon.words["work_no"]:
            said = said.removeprefix(word.upper())
        return self.check(said, asking) or Accepted(said)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if isinstance(value, str) and _WORK_NO.fullmatch(value) else Rejected("not_work_no")
