"""A keeper agrees to keep a point and to show a work phone, or hands the point over to another keeper (移交)."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Phone
from models.goods.exchange import NoSuchThing
from models.goods.points.arrival import demand_point
from models.goods.points.keeping import agree, offered_point
from models.goods.points.opening import ask_other_keeper, find_keeper, opener_of
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.staff.turn import demand_identified


def keeper(turn: TurnContext) -> Staff:
    """Return this turn's keeper. Raises NotOnTheStaff."""
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, ("keeper",))


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff, NotIdentified, or NoSuchThing where they were not asked."""
    staff = keeper(turn)
    demand_identified(staff)
    point = offered_point(turn.db, staff)
    if point is None:
        raise NoSuchThing(what="point", number=given.get("point", 0))
    return {"point": point.id, "name": point.name}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises NoSuchThing where the point was offered to another meanwhile."""
    point = agree(turn.db, keeper(turn), draft.given["point"], draft.answers["phone"], turn.world.now)
    return Answer([Say("flows/goods/keep_point/done", None, {"name": point.name})])


def admit_passing(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``work_no``. Raises NotOnTheStaff, NoPointKept or CannotKeep."""
    staff = keeper(turn)
    point = demand_point(turn.db, staff)
    to = find_keeper(turn.db, staff, point.region_code, given["work_no"], turn.world.now, opener_of(point))
    return {"work_no": to.work_no, "point": point.id, "name": point.name}


def passing_done(turn: TurnContext, draft: Draft) -> Answer:
    given = draft.given
    point = ask_other_keeper(turn.db, keeper(turn), given["point"], given["work_no"], turn.world.now)
    values = {"name": point.name, "work_no": given["work_no"]}
    return Answer([Say("flows/goods/pass_on_point/done", None, values)])


keep_point = Flow("keep_point", room="goods", steps=(Step("phone", Phone()),), done=done, admit=admit)
pass_on_point = Flow("pass_on_point", room="goods", steps=(), done=passing_done, admit=admit_passing)
