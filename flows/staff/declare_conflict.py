"""Declare a conflict of interest (声明): kin or a payee, whose household others then decide on."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, IdNumber
from models.staff import handover
from models.staff.directory import demand_staff
from models.staff.member import STAFF_ROLES, Staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    _declarer(turn)
    return given


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Keep the conflict. Raises TooManyNumbersTyped."""
    answers = draft.answers
    left = handover.declare_conflict(turn.db, _declarer(turn), answers["kind"], answers["id_number"], turn.world.now)
    return Answer([Say("flows/staff/declare_conflict/done", None, {"left": left})])


def _declarer(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, STAFF_ROLES)


declare_conflict = Flow(
    "declare_conflict",
    room="staff",
    steps=(Step("kind", Choice("conflict_kind")), Step("id_number", IdNumber())),
    done=done,
    admit=admit,
)
