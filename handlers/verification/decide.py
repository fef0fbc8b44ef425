"""通过, 退回, 驳回, 冻结, 解冻, 撤销 认证 <号>: an officer decides on a verification case."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from handlers.oversight import spot_check
from handlers.routing.talk import Talk
from handlers.staff.decide import decided
from handlers.staff.matter import Matter, No
from handlers.staff.seat import staff_of
from handlers.verification.file import look_at
from models.appeals.case_outcome import frozen_ones
from models.appeals.review import demand_no_tie
from models.core.state_machine import WrongState
from models.staff.file_access import has_seen, stage_of
from models.staff.member import Staff
from models.staff.task import demand_region, take
from models.verification import decisions
from models.verification.case import MACHINE, Verification, get_case

# States in which the numbered lines below a case decide on it; visits and objections have commands of their own.
_DECIDED = ("township_review", "county_review")
# Command -> the state that it moves the case to.
_TURNED_AWAY = {"send_back": "registry_checked", "reject": "rejected"}
_STOPS = {"stop": "suspended", "revoke_case": "revoked"}


def look_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Show the case, without deciding, to an officer who has not read it since it last moved; None: go on.

    The number that they tapped may stand below an older state of the case.
    """
    db, staff, case = talk.desk.db, staff_of(talk), get_case(talk.desk.db, number)
    if command == "send_back" and case.state == "rejected":
        decisions.check_reopen(db, case, staff)
    elif case.state not in _DECIDED or not stage_of(db, staff, "case", number).mine:
        return None
    if has_seen(db, staff, "case", number):
        return None
    answer = look_at(talk, number)
    answer.says.insert(0, Say("replies/staff/must_read_first", None, {}))
    return answer


def approve(talk: Talk, number: int) -> Answer:
    db, staff, now, case = talk.desk.db, staff_of(talk), talk.world.now, get_case(talk.desk.db, number)
    match case.state:
        case "township_review":
            decisions.review(db, case, staff, now)
        case "county_review":
            decisions.verify(db, case, staff, now)
        case _:
            # Visits and objections are not approved; the case's file offers the commands for them.
            decisions.take_visit(db, case, staff)
            raise WrongState(subject="case", state=case.state, wanted="verified")
    return _decided("approved", case)


def go_on(talk: Talk, number: int) -> Answer:
    staff = staff_of(talk)
    case = _in_region(talk, staff, number)
    decisions.reinstate(talk.desk.db, case, staff, talk.world.now)
    return _decided("went_on", case, frozen_ones(talk.desk.db, case.household_id))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = get_case(talk.desk.db, number)
    send = decisions.reopen if case.state == "rejected" else decisions.send_back
    send(talk.desk.db, case, staff, reasons, talk.world.now)
    return _decided("sent_back", case)


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = get_case(talk.desk.db, number)
    decisions.reject(talk.desk.db, case, staff, reasons, talk.world.now)
    return _decided("rejected", case)


def stop(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = _in_region(talk, staff, number)
    return _decided("stopped", case, decisions.suspend(talk.desk.db, case, staff, reasons[0], talk.world.now))


def revoke(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = _in_region(talk, staff, number)
    decisions.revoke(talk.desk.db, case, staff, reasons[0], talk.world.now)
    return _decided("revoked", case)


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    db, case = talk.desk.db, get_case(talk.desk.db, number)
    if command == "send_back" and case.state == "rejected":
        decisions.check_reopen(db, case, staff)
        return
    if command in _TURNED_AWAY:
        take(db, staff, case.matter, case.state)
        decisions.check_reviewed(case)
        MACHINE.check(case.state, _TURNED_AWAY[command], staff.actor)
        return
    _in_region(talk, staff, number)
    wanted = _STOPS.get(command)
    if wanted and (case.state, wanted) not in MACHINE.moves:
        raise WrongState(subject="case", state=case.state, wanted=wanted)


def _in_region(talk: Talk, staff: Staff, number: int) -> Verification:
    case = get_case(talk.desk.db, number)
    demand_region(talk.desk.db, staff, case.matter)
    demand_no_tie(talk.desk.db, staff, case.matter)
    return case


def _decided(what: str, case: Verification, appeals: Sequence[object] = ()) -> Answer:
    return decided(what, "case", case.id, case.state, appeals=appeals)


MATTER = Matter(
    "case",
    look_at,
    line=lambda _db, number: (["look", f"case:{number}"], {}),
    look_first=look_first,
    approve=approve,
    go_on=go_on,
    noes={
        "send_back": No("case_return_reason", send_back),
        "reject": No("case_reject_reason", reject),
        "stop": No("freeze_reason", stop),
        "doubt": No("freeze_reason", partial(spot_check.say_doubtful, "case")),
        "revoke_case": No("freeze_reason", revoke),
    },
    check=check,
)
