"""开取货点, 改取货点: an officer describes a handover point, or what changes of it, and asks its keeper."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, Place, Text
from flows.readers.numbers.work_number import WorkNumber
from models.goods.points.opening import (
    OPENERS,
    NewPoint,
    ask_other_keeper,
    change_point,
    demand_own_place,
    find_keeper,
    lock_own_point,
    open_point,
    opener_of,
)
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.staff.turn import demand_identified

_WORK_NO = WorkNumber()
_HOURS = Text(min=2, max=30)
_ADDRESS = Text(min=4, max=60, public=True)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff or NotIdentified."""
    demand_identified(_officer(turn))
    return given


def check_new(turn: TurnContext, draft: Draft) -> None:
    """Raises OutsideYourPlace or CannotKeep as soon as the answer to blame is given."""
    by, answers = _officer(turn), draft.answers
    if "place" not in answers:
        return
    demand_own_place(turn.db, by, answers["place"]["code"])
    if "keeper" in answers:
        find_keeper(turn.db, by, answers["place"]["code"], answers["keeper"], turn.world.now)


def open_done(turn: TurnContext, draft: Draft) -> Answer:
    answers = draft.answers
    wanted = NewPoint(
        draft_id=draft.id,
        name=answers["name"],
        place=answers["kind"],
        region_code=answers["place"]["code"],
        address=answers["address"],
        hours=answers["hours"],
    )
    point = open_point(turn.db, _officer(turn), wanted, answers["keeper"], turn.world.now)
    values = {"number": point.id, "name": point.name, "work_no": answers["keeper"]}
    return Answer([Say("flows/goods/open_point/done", None, values)])


def admit_change(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``point``, its number. Raises NotOnTheStaff, NotIdentified or NoSuchThing."""
    by = _officer(turn)
    demand_identified(by)
    point = lock_own_point(turn.db, by, given["point"])
    return {"point": point.id, "name": point.name, "hours": point.hours, "address": point.address, "state": point.state}


def check_change(turn: TurnContext, draft: Draft) -> None:
    """Raises NoSuchThing or CannotKeep."""
    if "keeper" in draft.answers:
        by = _officer(turn)
        point = lock_own_point(turn.db, by, draft.given["point"])
        opener = opener_of(point)
        find_keeper(turn.db, by, point.region_code, draft.answers["keeper"], turn.world.now, opener)


def change_done(turn: TurnContext, draft: Draft) -> Answer:
    answers, by, now = draft.answers, _officer(turn), turn.world.now
    what, number = answers["what"], draft.given["point"]
    if what == "keeper":
        point = ask_other_keeper(turn.db, by, number, answers["keeper"], now)
    else:
        point = change_point(turn.db, by, number, answers.get("hours"), answers.get("address"), now)
    values = {"number": point.id, "name": point.name, "what": what, "work_no": answers.get("keeper")}
    return Answer([Say("flows/goods/change_point/done", None, values)])


def _changes(what: str) -> Any:
    def is_changed(answers: Mapping[str, Any]) -> bool:
        return answers.get("what") == what

    return is_changed


def _officer(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, OPENERS)


open_point_flow = Flow(
    "open_point",
    room="goods",
    steps=(
        Step("name", Text(min=2, max=20, public=True)),
        Step("place", Place(level="township")),
        Step("kind", Choice("point_place")),
        Step("address", _ADDRESS),
        Step("hours", _HOURS),
        Step("keeper", _WORK_NO),
    ),
    done=open_done,
    admit=admit,
    check_answers=check_new,
)
change_point_flow = Flow(
    "change_point",
    room="goods",
    steps=(
        Step("what", Choice("point_change")),
        Step("hours", _HOURS, when=_changes("hours")),
        Step("address", _ADDRESS, when=_changes("address")),
        Step("keeper", _WORK_NO, when=_changes("keeper")),
    ),
    done=change_done,
    admit=admit_change,
    check_answers=check_change,
)
