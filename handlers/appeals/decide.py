"""通过, 退回, 驳回, 冻结, 解冻 <号>: an officer decides on an appeal."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer
from handlers.appeals.file import show_file
from handlers.oversight import spot_check
from handlers.routing.talk import Talk
from handlers.staff.decide import decided
from handlers.staff.seat import staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.appeals import review
from models.appeals.appeal import MACHINE, Appeal
from models.core.state_machine import WrongState
from models.staff.member import Staff
from models.staff.turn import demand_may_undo, demand_no_conflict, demand_region, demand_task

# Command -> the state that it moves the appeal to.
_TURNED_AWAY = {"send_back": "returned", "reject": "rejected"}
_STOPS = {"stop": "frozen", "end_appeal": "cancelled"}


def approve(talk: Talk, number: int) -> Answer:
    return _decided("approved", review.approve(talk.turn.db, staff_of(talk), number, talk.world.now))


def resume(talk: Talk, number: int) -> Answer:
    return _decided("went_on", review.resume_by_county(talk.turn.db, staff_of(talk), number, talk.world.now))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("sent_back", review.send_back(talk.turn.db, staff, number, reasons, talk.world.now))


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("rejected", review.reject(talk.turn.db, staff, number, reasons, talk.world.now))


def freeze(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("stopped", review.freeze_by_county(talk.turn.db, staff, number, reasons[0], talk.world.now))


def cancel(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("ended", review.cancel_frozen(talk.turn.db, staff, number, reasons[0], talk.world.now))


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    db, appeal = talk.turn.db, review.lock_after_cases(talk.turn.db, number)
    if command in _TURNED_AWAY:
        task = demand_task(db, staff, appeal.matter, appeal.state)
        MACHINE.check(review.state_at_step(appeal, task), _TURNED_AWAY[command], staff.actor)
        return
    if command == "end_appeal":
        demand_may_undo(db, staff, appeal.matter)
    else:
        demand_region(db, staff, appeal.matter)
        demand_no_conflict(db, staff, appeal.matter)
    wanted = _STOPS.get(command)
    if wanted and staff.actor.by not in MACHINE.moves.get((appeal.state, wanted), ()):
        raise WrongState(subject="appeal", state=appeal.state, wanted=wanted)


def _decided(what: str, appeal: Appeal) -> Answer:
    return decided(what, "appeal", appeal.id, appeal.state, title=appeal.title)


ACTIONS = SubjectActions(
    "appeal",
    show_file,
    approve=approve,
    resume=resume,
    reasoned={
        "send_back": ReasonedDecision("return_reason", send_back),
        "reject": ReasonedDecision("reject_reason", reject),
        "stop": ReasonedDecision("freeze_reason", freeze),
        "doubt": ReasonedDecision("freeze_reason", partial(spot_check.decide_doubtful, "appeal")),
        "end_appeal": ReasonedDecision("freeze_reason", cancel),
    },
    check=check,
)
