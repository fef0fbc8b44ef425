"""What people do about what they read: habits of their own, in habits.toml, by the words of the question."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.year.screen import Screen

# What a person does that is no text: a picture, where they stand, a page that is opened.
PICTURE, PLACE, PAGE = "[picture]", "[place]", "[page]"
# Any of the lines that name a thing by its number.
ONE_OF_THEM = "[one of them]"


@dataclass(frozen=True)
class Habit:
    """``seen``: words that stand on the screen together. ``take``: labels, the first that is there is chosen by its
    number. ``tell``: the name of a fact of the person, which is typed. ``say``: these words, with facts in braces, or a
    deed. ``line``: a pattern; the first line that has it is chosen. ``learn``: a fact that stands there, by its name
    and a pattern; it counts for the rest of the conversation.
    """

    seen: tuple[str, ...]
    take: tuple[str, ...] = ()
    tell: str = ""
    say: str = ""
    line: str = ""
    learn: tuple[str, ...] = ()


@cache
def habits_of(who: str) -> tuple[Habit, ...]:
    """Return the habits of these people, the more special first, and then everybody's."""
    read = tomllib.loads(Path(__file__).with_name("habits.toml").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = [*read[who], *(read["everybody"] if who != "everybody" else [])]
    return tuple(_habit(row) for row in rows)


@cache
def _summary() -> dict[str, str]:
    """What stands before the colon in a summary that is to be confirmed -> the name of the fact."""
    read = tomllib.loads(Path(__file__).with_name("habits.toml").read_text(encoding="utf-8"))
    labels: dict[str, str] = read["summary"]
    return labels


def slip_in(screen: Screen, facts: dict[str, str]) -> str | None:
    """Find the number of the first line of a summary that is not what the person knows; what is hidden by * counts."""
    for number, line in screen.lines.items():
        label, colon, shown = line.partition("：")
        fact = facts.get(_summary().get(label, ""), "") if colon else ""
        if "¥" in shown:
            fact, shown = fact.replace(",", ""), re.findall(r"¥([\d,.]+)", shown)[0].replace(",", "")
        if fact and not re.fullmatch(re.escape(shown).replace("\\*", "."), fact):
            return number
    return None


def _habit(row: dict[str, Any]) -> Habit:
    given: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Habit(**given)


def answer_to(
    screen: Screen, habits: Sequence[Habit], facts: dict[str, str], *, has_looked: bool = False
) -> str | None:
    """Return what the person says or does now; None where they do not know what to do.

    ``has_looked``: they have opened the page that it links to.
    """
    if screen.says("确认", "回复") and (number := slip_in(screen, facts)):
        return number
    for habit in habits:
        if not screen.says(*habit.seen) or (habit.say == PAGE and has_looked):
            continue
        if habit.learn:
            name, pattern = habit.learn
            facts[name] = re.findall(pattern, screen.words)[-1]
        if habit.line:
            if found := [number for number, line in screen.lines.items() if re.search(habit.line, line)]:
                return found[0]
            continue
        if habit.take:
            if habit.take == (ONE_OF_THEM,):
                return ONE_OF_THEM
            labels = [facts.get(label, label) for label in habit.take]
            if (number := screen.number_of(*labels)) is None:
                continue
            return number
        if habit.tell:
            if habit.tell not in facts:
                continue
            return facts[habit.tell]
        return habit.say.format_map(facts)
    return None
