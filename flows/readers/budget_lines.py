"""What the money is for, line by line, until the lines add up to the target."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flows.numerals import LONGEST, Unread
from flows.readers.base import Accepted, Asking, Partial, Reading, Rejected
from flows.readers.bounded import is_integer, whole
from flows.readers.money import read_fen
from flows.readers.spoken import WORDS_WANTED, Spoken
from flows.wording import clean
from flows.world import World

MOST_LINES = 12
LONGEST_ITEM = 30
Line = dict[str, Any]

_LINE_ENDS = re.compile("[\n;；]+")
# A comma between two digits groups thousands; anywhere else it parts the item from its amount.
_BREAK = re.compile(r"[\s:：=、]+|(?<![0-9])[,，]+|[,，]+(?![0-9])")
_ITEM_EDGE = " \t:：=、,，.。-—"


@dataclass(frozen=True)
class BudgetLines(Spoken):
    """Value: a list of {"item", "amount_fen"} whose sum is the answer to ``total_step`` (fen).

    A message is an item and its amount (水泥沙石 52万), or several of them on lines
    of their own, which then count all or none. The word ``undo`` takes the last
    line back. ``more`` and all codes get ``lines``, ``target``, ``left`` (fen).
    Codes: not_text, not_heard, no_amount, no_item, item_too_long, vague,
    not_positive, too_precise, over_total (with ``amount``), too_many (with
    ``most``), sum_differs (finished early, or the target has changed).
    """

    total_step: str = "target"

    @property
    def codes(self) -> tuple[str, ...]:
        one_line = ("no_amount", "no_item", "item_too_long", "vague", "not_positive", "too_precise")
        return (*WORDS_WANTED, *one_line, "over_total", "too_many", "sum_differs")

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("more",)

    def hear(self, text: str, asking: Asking) -> Reading:
        lines: list[Line] = list(asking.so_far or [])
        if asking.world.lexicon.means("finish", text):
            return self.check(lines, asking) or Accepted(lines)
        if asking.world.lexicon.means("undo", text):
            return self._so_far(lines[:-1], asking)
        for words in _LINE_ENDS.split(clean(text).strip("\n;；")):
            line = self._with(lines, words.strip(), asking)
            if isinstance(line, Rejected):
                return line
            lines = [*lines, line]
        return self._so_far(lines, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        lines = value if isinstance(value, list) and all(map(_is_line, value)) else []
        if len(lines) > MOST_LINES:
            return self._rejected("too_many", lines, asking, most=MOST_LINES)
        return None if lines and self._left(lines, asking) == 0 else self._rejected("sum_differs", lines, asking)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return self._values(asking.so_far or [], asking)

    def _with(self, lines: list[Line], words: str, asking: Asking) -> Line | Rejected:
        """The next line, if it may be added to these."""
        if len(lines) >= MOST_LINES:
            return self._rejected("too_many", lines, asking, most=MOST_LINES)
        line = _read_line(words, asking.world)
        if isinstance(line, str):
            return self._rejected(line, lines, asking)
        if line["amount_fen"] > self._left(lines, asking):
            return self._rejected("over_total", lines, asking, amount=line["amount_fen"])
        return line

    def _so_far(self, lines: list[Line], asking: Asking) -> Reading:
        return Partial(lines, self._values(lines, asking)) if self.check(lines, asking) else Accepted(lines)

    def _left(self, lines: list[Line], asking: Asking) -> int:
        planned: int = sum(line["amount_fen"] for line in lines)
        return self._target(asking) - planned

    def _target(self, asking: Asking) -> int:
        target: int = asking.answers.get(self.total_step, 0)
        return target

    def _values(self, lines: list[Line], asking: Asking) -> dict[str, Any]:
        return {"lines": lines, "target": self._target(asking), "left": self._left(lines, asking)}

    def _rejected(self, code: str, lines: list[Line], asking: Asking, **more: int) -> Rejected:
        return Rejected(code, {**self._values(lines, asking), **more})


def _read_line(words: str, world: World) -> Line | str:
    """An item with its amount, or the code that says what is missing."""
    if len(words) > LONGEST_ITEM + LONGEST:
        return "item_too_long"
    item, said = _part(words, world)
    amount = whole(said, no_number="no_amount", parts="too_precise")
    if isinstance(amount, Rejected):
        return amount.code
    if not any(letter.isalpha() for letter in item):
        return "no_item"
    return {"item": item, "amount_fen": amount} if len(item) <= LONGEST_ITEM else "item_too_long"


def _part(words: str, world: World) -> tuple[str, Fraction | Unread]:
    """The item and the amount behind it: the longest ending that is one, behind a break if there is any."""
    for start in _starts(words):
        amount = read_fen(words[start:], world)
        if amount is not Unread.NOT_A_NUMBER:
            return words[:start].strip(_ITEM_EDGE), amount
    return words, Unread.NOT_A_NUMBER


def _starts(words: str) -> Iterable[int]:
    yield 0
    yield from (found.end() for found in _BREAK.finditer(words))
    yield from range(1, len(words))


def _is_line(line: Any) -> bool:
    return (
        isinstance(line, dict)
        and isinstance(line.get("item"), str)
        and is_integer(line.get("amount_fen"))
        and line["amount_fen"] > 0
    )
