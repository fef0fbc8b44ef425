"""通过, 退回, 驳回, 冻结, 解冻 <号>: an officer decides on an appeal."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer
from handlers.appeals.file import look_at
from handlers.oversight import spot_check
from handlers.routing.talk import Talk
from handlers.staff.decide import decided
from handlers.staff.matter import Matter, No
from handlers.staff.seat import staff_of
from models.appeals import review
from models.appeals.appeal import MACHINE, Appeal
from models.core.state_machine import WrongState
from models.staff.member import Staff
from models.staff.task import demand_region, take

# Command -> the state that it moves the appeal to.
_TURNED_AWAY = {"send_back": "returned", "reject": "rejected"}
_STOPS = {"stop": "frozen", "end_appeal": "cancelled"}


def approve(talk: Talk, number: int) -> Answer:
    return _decided("approved", review.approve(talk.desk.db, staff_of(talk), number, talk.world.now))


def go_on(talk: Talk, number: int) -> Answer:
    return _decided("went_on", review.go_on(talk.desk.db, staff_of(talk), number, talk.world.now))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("sent_back", review.send_back(talk.desk.db, staff, number, reasons, talk.world.now))


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("rejected", review.reject(talk.desk.db, staff, number, reasons, talk.world.now))


def stop(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("stopped", review.stop(talk.desk.db, staff, number, reasons[0], talk.world.now))


def end(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("ended", review.end(talk.desk.db, staff, number, reasons[0], talk.world.now))


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    db, appeal = talk.desk.db, review.get_locked(talk.desk.db, number)
    if command in _TURNED_AWAY:
        task = take(db, staff, appeal.matter, appeal.state)
        MACHINE.check(review.stands(appeal, task), _TURNED_AWAY[command], staff.actor)
        return
    demand_region(db, staff, appeal.matter)
    review.demand_no_tie(db, staff, appeal.matter)
    wanted = _STOPS.get(command)
    if wanted and (appeal.state, wanted) not in MACHINE.moves:
        raise WrongState(subject="appeal", state=appeal.state, wanted=wanted)


def _decided(what: str, appeal: Appeal) -> Answer:
    return decided(what, "appeal", appeal.id, appeal.state, title=appeal.title)


MATTER = Matter(
    "appeal",
    look_at,
    approve=approve,
    go_on=go_on,
    noes={
        "send_back": No("return_reason", send_back),
        "reject": No("reject_reason", reject),
        "stop": No("freeze_reason", stop),
        "doubt": No("freeze_reason", partial(spot_check.say_doubtful, "appeal")),
        "end_appeal": No("freeze_reason", end),
    },
    check=check,
)
