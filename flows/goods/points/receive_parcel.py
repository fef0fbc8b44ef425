"""到点, where not all came as it should: a keeper says how much came, was broken or was something else, and why."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.goods.points.keep_point import keeper
from flows.readers import Choice
from flows.readers.numbers.part import Part, part_of
from models.goods.points.arrival import LinesDoNotAddUp, take_in, view_parcel

_ASKED = ("came", "broken", "other")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``match``, its number. Raises NotOnTheStaff, or as models.goods.points.arrival.find_parcel."""
    parcel = view_parcel(turn.db, keeper(turn), given["match"])
    return {
        "match": parcel.match,
        "code": parcel.code,
        "item": parcel.item,
        "quantity": parcel.quantity,
        "unit": parcel.unit,
    }


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises LinesDoNotAddUp at the answer to blame."""
    _lines(draft)


def done(turn: TurnContext, draft: Draft) -> Answer:
    lines, given = _lines(draft), draft.given
    held = take_in(turn.db, keeper(turn), given["match"], lines, draft.answers["reason"], turn.world.now)
    values = {**given, "came": lines["came"], "state": held.match.state}
    return Answer([Say("flows/goods/receive_parcel/done", None, values)])


def review_facts(turn: TurnContext, draft: Draft) -> dict[str, Any]:
    """Compute how much is missing: what was to come, less what came, broke or was something else."""
    return {"missing": _lines(draft)["missing"]}


def _lines(draft: Draft) -> dict[str, int]:
    """Return the quantity of each line in the offer's unit; what was not mentioned is missing.

    Raises LinesDoNotAddUp. ``why``: measure (not in the parcel's unit, or no whole pieces), more, or all_came.
    """
    quantity, unit = draft.given["quantity"], draft.given["unit"]
    lines: dict[str, int] = {}
    for name in _ASKED:
        if name not in draft.answers:
            break
        part = part_of(draft.answers[name], unit)
        said = sum(lines.values())
        why = "measure" if part is None else "more" if said + part > quantity else ""
        if name == "came" and part == quantity:
            why = "all_came"
        if part is None or why:
            raise LinesDoNotAddUp(at=name, why=why, quantity=quantity, unit=unit, code=draft.given["code"])
        lines[name] = part
    return {**lines, "missing": quantity - sum(lines.values())}


receive_parcel = Flow(
    "receive_parcel",
    room="goods",
    steps=(*(Step(name, Part()) for name in _ASKED), Step("reason", Choice("received_reason"))),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)
