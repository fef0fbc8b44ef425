"""Declare a conflict of interest (声明): kin or a payee, whose household others then decide on."""

from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Choice, IdNumber
from models.staff import handover
from models.staff.directory import demand_staff
from models.staff.member import STAFF_ROLES, Staff


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    _declarer(desk)
    return given


def done(desk: Desk, draft: Draft) -> Answer:
    answers = draft.answers
    left = handover.declare_conflict(desk.db, _declarer(desk), answers["kind"], answers["id_number"], desk.world.now)
    return Answer([Say("flows/staff/declare_conflict/done", None, {"left": left})])


def _declarer(desk: Desk) -> Staff:
    return demand_staff(desk.db, desk.person.account, desk.person.openid, desk.world.now, STAFF_ROLES)


declare_conflict = Flow(
    "declare_conflict",
    room="staff",
    steps=(Step("kind", Choice("conflict_kind")), Step("id_number", IdNumber())),
    done=done,
    admit=admit,
)
