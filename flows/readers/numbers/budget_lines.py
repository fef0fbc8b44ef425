"""Read an appeal's budget line by line, until the lines add up to the target."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import LONGEST, Unread
from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Partial, Reading, Rejected
from flows.readers.numbers.bounded import is_integer, whole
from flows.readers.numbers.money import read_fen
from flows.readers.numbers.private_numbers import holds_private_number
from flows.readers.words_reader import WORDS_WANTED, WordsReader

MOST_LINES = 12
LONGEST_ITEM = 30
_LONGEST_THING = LONGEST_ITEM + LONGEST
Line = dict[str, Any]

_LINE_ENDS = re.compile("[\n;；]+")
# A comma groups thousands where one to three digits are before it and three after it; elsewhere it separates things
# or an item from its amount, as a space does. A full stop between two digits is a decimal point.
_COMMA = r"(?<![0-9])[,，]+|(?<=[0-9]{4})[,，]+|[,，]+(?![0-9]{3}(?![0-9]))"
_GAP = rf"[\s、]+|[+＋和]|(?<![0-9])。+|。+(?![0-9])|{_COMMA}"
_GAPS = re.compile(_GAP)
_BREAK = re.compile(rf"[:：=]+|{_GAP}")
_ITEM_EDGE = " \t:：=、,，.。-—"
_THOUSANDS = re.compile("[0-9]{3}(?![0-9])")
_BEFORE_THOUSANDS = re.compile("(?<![0-9])[0-9]{1,3}$")
_GROUPS = " ,，"
# The numbers of a numbered list's lines: 1、 2. 3） 四、 ⑤
_NUMBER = "[(（]?[0-9一二三四五六七八九十]{1,2}[)）、.．](?![0-9])|[①-⑳]"
_NUMBERED = re.compile(_NUMBER)
_NUMBERS = re.compile(rf"(?:^|(?<=[\s,，;；。+]))(?:{_NUMBER})|[①-⑳]", re.MULTILINE)
_ORDINAL = "第"
_SMALL = 100
_IN_A_CODE = re.compile(r"[a-z%#*φ×-]")
_HANZI = "[零一二三四五六七八九两十百千万亿]"
# Numbers, but not the single characters inside a word (五金, 三轮车, 老百姓).
_FIGURES = re.compile(rf"[0-9][0-9., ]*[十百千万亿]*|(?={_HANZI}{{2}}){_HANZI}*[百千万亿]{_HANZI}*")


@dataclass(frozen=True)
class BudgetLines(WordsReader):
    """Value: a list of {"item", "amount_fen"} whose sum is the answer to ``total_step`` (fen).

    A message is an item and its amount (水泥沙石 52万), or several of them, on lines
    of their own or one after the other (水泥2000，人工5000), of which all or none are
    kept. The word ``undo`` removes the last line. ``more`` and all codes get what is
    kept: ``lines``, ``target``, ``left`` (fen); most codes also ``count``, how many
    things the rejected message names, and ``words``, the one that is wrong.
    Codes: not_text, not_heard, no_amount, no_item, item_too_long, vague,
    not_positive, too_precise, several (an amount inside the item),
    private_number (in the item, which everybody reads), over_total
    (with ``amount``, of the whole message), too_many (with ``most``), sum_differs
    (finished early, or the target has changed).
    """

    total_step: str = "target"

    @property
    def codes(self) -> tuple[str, ...]:
        one_line = (
            "no_amount",
            "no_item",
            "item_too_long",
            "vague",
            "not_positive",
            "too_precise",
            "several",
            "private_number",
        )
        return (*WORDS_WANTED, *one_line, "over_total", "too_many", "sum_differs")

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("more",)

    def read_words(self, text: str, asking: Asking) -> Reading:
        lines: list[Line] = list(asking.so_far or [])
        if asking.world.lexicon.means("finish", text):
            return self.check(lines, asking) or Accepted(lines)
        if asking.world.lexicon.means("undo", text):
            return self._so_far(lines[:-1], asking)
        parts = _things(clean(text).strip("\n;；"), asking.world)
        more: list[Line] = []
        for words in parts:
            line = _read_line(words, asking.world)
            if isinstance(line, str):
                return self._rejected(line, lines, asking, words=words, count=len(parts))
            more.append(line)
        return self._with(lines, more, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        lines = value if isinstance(value, list) and all(map(_is_line, value)) else []
        if len(lines) > MOST_LINES:
            return self._rejected("too_many", lines, asking, count=0, most=MOST_LINES)
        return None if lines and self._left(lines, asking) == 0 else self._rejected("sum_differs", lines, asking)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return self._values(asking.so_far or [], asking)

    def _with(self, lines: list[Line], more: list[Line], asking: Asking) -> Reading:
        """Keep all of the message's lines, or reject all."""
        if len(lines) + len(more) > MOST_LINES:
            return self._rejected("too_many", lines, asking, count=len(more), most=MOST_LINES)
        amount = _sum(more)
        if amount > self._left(lines, asking):
            return self._rejected("over_total", lines, asking, count=len(more), amount=amount)
        return self._so_far([*lines, *more], asking)

    def _so_far(self, lines: list[Line], asking: Asking) -> Reading:
        return Partial(lines, self._values(lines, asking)) if self.check(lines, asking) else Accepted(lines)

    def _left(self, lines: list[Line], asking: Asking) -> int:
        return self._target(asking) - _sum(lines)

    def _target(self, asking: Asking) -> int:
        target: int = asking.answers.get(self.total_step, 0)
        return target

    def _values(self, lines: list[Line], asking: Asking) -> dict[str, Any]:
        return {"lines": lines, "target": self._target(asking), "left": self._left(lines, asking)}

    def _rejected(self, code: str, lines: list[Line], asking: Asking, **more: int | str) -> Rejected:
        return Rejected(code, {**self._values(lines, asking), "count": 1, "words": "", **more})


def _sum(lines: list[Line]) -> int:
    return sum(line["amount_fen"] for line in lines)


def _things(text: str, world: World) -> list[str]:
    if _NUMBERED.match(text):
        text = _NUMBERS.sub(" ", text).strip()
    return [thing for line in _LINE_ENDS.split(text) for thing in _split(line.strip(), world)]


def _split(line: str, world: World) -> list[str]:
    """Split a line into its things, where each ends in an amount; else return the line as it is.

    A second amount (水泥425 2000) belongs to the thing before it, since a number is no name.
    """
    starts: list[int] = []
    things, start, word_start = [], 0, 0
    for end, after in [*_gaps(line, world), (len(line), len(line))]:
        if end - word_start > _LONGEST_THING:
            return [line]
        item, amount = _part(line[word_start:end], world)
        if amount is not Unread.NOT_A_NUMBER:
            if _has_letters(line[start:word_start] + item):
                starts.append(start)
                things.append(line[start:end])
                start = after
            elif things:
                things[-1] = line[starts[-1] : end]
                start = after
        word_start = after
    return things if len(things) > 1 and start == len(line) else [line]


def _gaps(line: str, world: World) -> Iterable[tuple[int, int]]:
    """Yield where one word ends and where the next begins; 50 袋 and 520 000 are one word."""
    measures = _measures(world)
    for gap in _GAPS.finditer(line[: MOST_LINES * _LONGEST_THING]):
        next_gap = _GAPS.search(line, gap.end())
        word = line[gap.end() : next_gap.start() if next_gap else None]
        if word not in measures and not _groups_thousands(line, gap):
            yield gap.start(), gap.end()


def _groups_thousands(line: str, gap: re.Match[str]) -> bool:
    is_between = _BEFORE_THOUSANDS.search(line[: gap.start()]) and _THOUSANDS.match(line, gap.end())
    return gap.group() in _GROUPS and is_between is not None


def _measures(world: World) -> tuple[str, ...]:
    return (*world.lexicon.words["measure"], *world.lexicon.words["size"])


def _read_line(words: str, world: World) -> Line | str:
    """Read an item with its amount; or return the reject code."""
    if len(words) > _LONGEST_THING:
        return "item_too_long"
    item, said = _part(words, world)
    amount = whole(said, no_number="no_amount", parts="too_precise")
    if isinstance(amount, Rejected):
        return amount.code
    if not _has_letters(item):
        return "no_item"
    if len(item) > LONGEST_ITEM:
        return "item_too_long"
    if holds_private_number(item):
        return "private_number"
    return "several" if _holds_amount(item, world) else {"item": item, "amount_fen": amount}


def _has_letters(item: str) -> bool:
    return any(letter.isalpha() for letter in item)


def _holds_amount(item: str, world: World) -> bool:
    """Tell whether the item contains an amount (水泥2000人工); counts and types (水泥50袋, PVC110管) are none."""
    folded = numerals.fold(item)
    measures = _measures(world)
    for figures in _FIGURES.finditer(folded):
        before, after = folded[: figures.start()], folded[figures.end() :]
        is_first = not any(letter.isalnum() for letter in before)
        is_named = is_first or before.endswith(_ORDINAL) or _IN_A_CODE.match(before[-1]) or _IN_A_CODE.match(after)
        if not is_named and not _counts(figures.group().strip(), after, measures):
            return True
    return False


def _counts(figures: str, after: str, measures: tuple[str, ...]) -> bool:
    """Tell whether a measure word follows the number; where the word goes on, only a small number counts (2000人工)."""
    measure = max((word for word in measures if after.startswith(word)), key=len, default="")
    number = numerals.parse(figures)
    is_small = not isinstance(number, Unread) and number < _SMALL
    return bool(measure) and (is_small or not after[len(measure) : len(measure) + 1].isalpha())


def _part(words: str, world: World) -> tuple[str, Fraction | Unread]:
    """Split words into item and amount: the longest ending that is an amount, preferably after a break."""
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
