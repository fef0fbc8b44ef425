"""Read a resident's ID number (GB 11643): eighteen characters with a birth date and a check character."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from stdnum.cn import ric

from flows.engine.world import World
from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

# Below this age the law asks for a guardian's consent (PIPL, article 31).
ADULT_ENOUGH = 14
_FIRST_YEAR = 1900
_LEAD = re.compile(r"^[^0-9]+")
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True)
class IdNumber(WordsReader):
    """Value: eighteen characters, X in upper case. Its region's code need not exist any more.

    Digits may be read out in 汉字; words may precede it (我的号码是).

    Codes: not_text, not_heard, id_length (``length``; also the old fifteen-digit
    numbers), id_date (no such birthday, or one in the future), id_checksum (a typing
    error), under_age (below ``age``; unless ``any_age``).
    """

    any_age: bool = False
    """A child's number is taken too: a guardian has agreed."""

    @property
    def codes(self) -> tuple[str, ...]:
        faults = (*WORDS_WANTED, "id_length", "id_date", "id_checksum")
        return faults if self.any_age else (*faults, "under_age")

    def read_words(self, text: str, asking: Asking) -> Reading:
        number = _with_x(_figures(text), asking.world.lexicon).upper()
        return self.check(number, asking) or Accepted(number)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        number = value if isinstance(value, str) else ""
        today = asking.world.today
        fault = fault_of(number, today)
        if fault:
            return Rejected(fault, {"length": len(re.findall("[0-9X]", number))} if fault == "id_length" else {})
        too_young = not self.any_age and is_under_age(number, today)
        return Rejected("under_age", {"age": ADULT_ENOUGH}) if too_young else None

    def shown(self, value: Any, world: World) -> Any:
        """Show the first four and the last two characters; the rest is masked."""
        return value[:4] + "*" * 12 + value[-2:]


def read_id_number(text: str) -> str:
    """Normalise a number from a table's cell: full-width digits and x become digits and X; ``fault_of`` checks it."""
    return text if _SHAPE.fullmatch(text) else _figures(text).upper()


def fault_of(number: str, today: date) -> str | None:
    """Return id_length (also of the old fifteen-digit numbers), id_date or id_checksum; None of a valid number."""
    if not _SHAPE.fullmatch(number):
        return "id_length"
    born = _birth_date(number)
    if born is None or born > today or born.year < _FIRST_YEAR:
        return "id_date"
    return None if number[-1] == ric.calc_check_digit(number) else "id_checksum"


def is_under_age(number: str, today: date) -> bool:
    """Tell whether whoever has this valid number is below ADULT_ENOUGH."""
    born = _birth_date(number)
    return born is not None and _age(born, today) < ADULT_ENOUGH


def _figures(text: str) -> str:
    return _LEAD.sub("", re.sub(r"[\s\-]", "", numerals.read_out(text)))


def _with_x(number: str, lexicon: Lexicon) -> str:
    """Replace a word for the last character X by X."""
    word = next((word for word in lexicon.words["letter_x"] if number.endswith(word)), "")
    return f"{number.removesuffix(word)}X" if word else number


def _birth_date(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _age(born: date, today: date) -> int:
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return today.year - born.year - (0 if had_birthday else 1)
