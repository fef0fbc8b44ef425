"""Hand the whole queue over to a colleague (移交). No question; the review says how many tasks, to be confirmed."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from models.staff.directory import demand_staff, seat_of
from models.staff.handover import NothingToHandOver, demand_colleague, hand_over, queue_of
from models.staff.member import STAFF_ROLES, Staff, find_staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``work_no``. Raises what ``hand_over`` would, before the officer confirms."""
    staff = _giver(turn)
    to = demand_colleague(turn.db, staff, given["work_no"], turn.world.now)
    if not queue_of(turn.db, staff):
        raise NothingToHandOver(work_no=to.work_no)
    return {"work_no": to.work_no, "role": to.role, "place": seat_of(turn.db, to)}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Count the tasks in the queue at this moment."""
    staff = find_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now)
    return {"count": len(queue_of(turn.db, staff)) if staff else 0}


def done(turn: TurnContext, draft: Draft) -> Answer:
    given, elsewhere = hand_over(turn.db, _giver(turn), draft.given["work_no"], turn.world.now)
    values = {"given": given, "elsewhere": elsewhere, "work_no": draft.given["work_no"]}
    return Answer([Say("flows/staff/handover/done", None, values)])


def _giver(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, STAFF_ROLES)


handover = Flow("handover", room="staff", steps=(), done=done, admit=admit, review_facts=review_facts)
