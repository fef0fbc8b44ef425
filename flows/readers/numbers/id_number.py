"""A resident's identity card number (GB 11643): eighteen places, a birth date, a check character."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from stdnum.cn import ric

from flows.engine.world import World
from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.spoken import WORDS_WANTED, Spoken

# Below this age the law asks for a guardian's consent (PIPL, article 31).
ADULT_ENOUGH = 14
_FIRST_YEAR = 1900
_LEAD = re.compile(r"^[^0-9]+")
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True)
class IdNumber(Spoken):
    """Value: eighteen characters, X in upper case. A region that no longer exists is no fault.

    Figures may be 汉字, as they are read out; words may lead to it (我的号码是).

    Codes: not_text, not_heard, id_length (``length``; also the old fifteen-digit
    numbers), id_date (no such birthday, or one to come), id_checksum (a slip
    of the finger), under_age (below ``age``).
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "id_length", "id_date", "id_checksum", "under_age")

    def hear(self, text: str, asking: Asking) -> Reading:
        number = _with_x(_figures(text), asking.world.lexicon).upper()
        return self.check(number, asking) or Accepted(number)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        number = value if isinstance(value, str) else ""
        today = asking.world.today
        fault = fault_of(number, today)
        if fault:
            return Rejected(fault, {"length": len(re.findall("[0-9X]", number))} if fault == "id_length" else {})
        born = _birth_date(number)
        return Rejected("under_age", {"age": ADULT_ENOUGH}) if born and _age(born, today) < ADULT_ENOUGH else None

    def shown(self, value: Any, world: World) -> Any:
        """The first four and the last two places; the rest is nobody's business on a screen."""
        return value[:4] + "*" * 12 + value[-2:]


def read_id_number(text: str) -> str:
    """As a table holds it: full-width figures and x are figures and X; what it is worth, ``fault_of`` says."""
    return text if _SHAPE.fullmatch(text) else _figures(text).upper()


def fault_of(number: str, today: date) -> str | None:
    """id_length (also of the old fifteen-digit numbers), id_date or id_checksum; None of a number that can be one."""
    if not _SHAPE.fullmatch(number):
        return "id_length"
    born = _birth_date(number)
    if born is None or born > today or born.year < _FIRST_YEAR:
        return "id_date"
    return None if number[-1] == ric.calc_check_digit(number) else "id_checksum"


def _figures(text: str) -> str:
    return _LEAD.sub("", re.sub(r"[\s\-]", "", numerals.read_out(text)))


def _with_x(number: str, lexicon: Lexicon) -> str:
    """The last place may be said in words."""
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
