"""通过, 退回, 驳回, 冻结, 解冻, 撤销 认证 <号>: an officer decides on a verification case."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer
from handlers.oversight import spot_check
from handlers.routing.talk import Talk
from handlers.staff.decide import decided
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from handlers.verification.file import show_file
from models.appeals.case_outcome import frozen_appeals
from models.core.state_machine import WrongState
from models.staff.file_access import has_read, view_task
from models.staff.member import Staff
from models.staff.turn import demand_may_undo, demand_no_conflict, demand_region, demand_task
from models.verification import decisions
from models.verification.case import MACHINE, Verification, lock_case

# States in which the numbered lines below a case decide on it; visits and objections have commands of their own.
_DECIDED = ("township_review", "county_review")
# Command -> the state that it moves the case to.
_TURNED_AWAY = {"send_back": "registry_checked", "reject": "rejected"}
_STOPS = {"stop": "suspended", "revoke_case": "revoked"}


def must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Show the case, without deciding, to an officer who has not read it since it last moved; None: go on.

    The number that they tapped may stand below an older state of the case.
    """
    db, staff, case = talk.turn.db, staff_of(talk), lock_case(talk.turn.db, number)
    if command == "send_back" and case.state == "rejected":
        decisions.check_reopen(db, case, staff)
    elif case.state not in _DECIDED or not view_task(db, staff, "case", number).mine:
        return None
    return opened_first(partial(show_file, talk, number), is_read=has_read(db, staff, "case", number))


def approve(talk: Talk, number: int) -> Answer:
    db, staff, now, case = talk.turn.db, staff_of(talk), talk.world.now, lock_case(talk.turn.db, number)
    match case.state:
        case "township_review":
            decisions.pass_to_county(db, case, staff, now)
        case "county_review":
            decisions.verify(db, case, staff, now)
        case _:
            # Visits and objections are not approved; the case's file offers the commands for them.
            decisions.demand_visit_task(db, case, staff)
            raise WrongState(subject="case", state=case.state, wanted="verified")
    return _decided("approved", case)


def reinstate(talk: Talk, number: int) -> Answer:
    staff = staff_of(talk)
    case = _lock_suspended(talk, staff, number)
    decisions.reinstate(talk.turn.db, case, staff, talk.world.now)
    return _decided("went_on", case, frozen_appeals(talk.turn.db, case.household_id))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = lock_case(talk.turn.db, number)
    send = decisions.reopen if case.state == "rejected" else decisions.send_back
    send(talk.turn.db, case, staff, reasons, talk.world.now)
    return _decided("sent_back", case)


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = lock_case(talk.turn.db, number)
    decisions.reject(talk.turn.db, case, staff, reasons, talk.world.now)
    return _decided("rejected", case)


def suspend(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = _lock_in_region(talk, staff, number)
    return _decided("stopped", case, decisions.suspend(talk.turn.db, case, staff, reasons[0], talk.world.now))


def revoke(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    case = _lock_suspended(talk, staff, number)
    decisions.revoke(talk.turn.db, case, staff, reasons[0], talk.world.now)
    return _decided("revoked", case)


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    db, case = talk.turn.db, lock_case(talk.turn.db, number)
    if command == "send_back" and case.state == "rejected":
        decisions.check_reopen(db, case, staff)
        return
    if command in _TURNED_AWAY:
        demand_task(db, staff, case.matter, case.state)
        decisions.check_reviewed(case)
        MACHINE.check(case.state, _TURNED_AWAY[command], staff.actor)
        return
    if command == "revoke_case":
        demand_may_undo(db, staff, case.matter)
    else:
        _lock_in_region(talk, staff, number)
    wanted = _STOPS.get(command)
    if wanted and (case.state, wanted) not in MACHINE.moves:
        raise WrongState(subject="case", state=case.state, wanted=wanted)


def _lock_in_region(talk: Talk, staff: Staff, number: int) -> Verification:
    case = lock_case(talk.turn.db, number)
    demand_region(talk.turn.db, staff, case.matter)
    demand_no_conflict(talk.turn.db, staff, case.matter)
    return case


def _lock_suspended(talk: Talk, staff: Staff, number: int) -> Verification:
    case = lock_case(talk.turn.db, number)
    demand_may_undo(talk.turn.db, staff, case.matter)
    return case


def _decided(what: str, case: Verification, appeals: Sequence[object] = ()) -> Answer:
    return decided(what, "case", case.id, case.state, appeals=appeals)


ACTIONS = SubjectActions(
    "case",
    show_file,
    queue_line=lambda _db, number: (["look", f"case:{number}"], {}),
    must_read_first=must_read_first,
    approve=approve,
    resume=reinstate,
    reasoned={
        "send_back": ReasonedDecision("case_return_reason", send_back),
        "reject": ReasonedDecision("case_reject_reason", reject),
        "stop": ReasonedDecision("freeze_reason", suspend),
        "doubt": ReasonedDecision("freeze_reason", partial(spot_check.decide_doubtful, "case")),
        "revoke_case": ReasonedDecision("freeze_reason", revoke),
    },
    check=check,
)
