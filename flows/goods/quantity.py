"""Ask for a quantity: first the unit, then a weight for 斤 or a count for every other unit."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Step
from flows.readers.numbers.quantity import UnitChoice, UnitCount, UnitWeight
from flows.readers.numbers.smallest_part import ANY_PART, WHOLE, SmallestPart, quantity_in
from models.core.measures import JIN


def by_weight(answers: Mapping[str, Any]) -> bool:
    return answers.get("unit") == "jin"


def by_count(answers: Mapping[str, Any]) -> bool:
    return not by_weight(answers)


def unit() -> Step:
    return Step("unit", UnitChoice())


def amount(*, most_grams: int, most_pieces: int) -> tuple[Step, ...]:
    """Return the steps ``weight`` and ``count``, of which the unit makes one apply."""
    return (
        Step("weight", UnitWeight(max=most_grams, bare=JIN), when=by_weight),
        Step("count", UnitCount(max=most_pieces), when=by_count),
    )


def amount_of(unit: str, left: int) -> dict[str, int]:
    """Return the answer that a quantity makes; none where nothing is left, so that it is asked for."""
    return {"weight" if unit == "jin" else "count": left} if left else {}


def quantity(answers: Mapping[str, Any]) -> int:
    """Return grams where the unit is 斤, else pieces."""
    return int(answers["weight"] if by_weight(answers) else answers["count"])


def smallest_part() -> Step:
    """Return the step that asks for the smallest part worth sending, where there is more than one piece or 斤."""
    return Step("smallest", SmallestPart(), when=_has_parts)


def smallest(answers: Mapping[str, Any]) -> int:
    """Return the smallest part in the unit: 1 for any part."""
    answer = answers.get("smallest", ANY_PART) if _has_parts(answers) else ANY_PART
    if answer == WHOLE:
        return quantity_in(answers)
    return 1 if answer == ANY_PART else int(answer)


def smallest_of(part: int, total: int) -> str | int:
    """Return the answer that a smallest part of a total makes."""
    if part <= 1:
        return ANY_PART
    return WHOLE if part >= total else part


def _has_parts(answers: Mapping[str, Any]) -> bool:
    return quantity_in(answers) > (JIN if by_weight(answers) else 1)
