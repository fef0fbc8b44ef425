"""通过, 退回, 驳回, 冻结, 解冻: a decision about an appeal or a verification case, with its reasons."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from handlers.disbursements import desk
from handlers.donors import messages
from handlers.routing.talk import Talk
from handlers.staff.look import look
from handlers.staff.reasons import stepped_aside, with_reasons
from handlers.staff.seat import parse, staff_of
from handlers.staff.todo import todo
from models.appeals import review
from models.core.state_machine import WrongState
from models.staff.desk_review import has_seen, stage_of
from models.staff.member import Staff
from models.staff.task import demand_region
from models.verification import decisions
from models.verification.case import Verification, get_case

# Where a case waits for a decision by its numbers; a visit and an objection are read on their own way.
_DECIDED = ("township_review", "county_review")


def approve(talk: Talk, reference: str = "") -> Answer:
    """通过 <号>: one step on, as this seat may; without a number, what there is to decide."""
    if not reference:
        return todo(talk)
    return stepped_aside(talk, reference) or _look_first(talk, reference) or _approve(talk, reference)


def send_back(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """退回 <号> <理由>: an appeal for correction, a case for another visit."""
    return _look_first(talk, reference, reopens=True) or with_reasons(talk, "send_back", reference, words, _send_back)


def reject(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """驳回 <号> <理由>: an appeal by village or county, a case by the county."""
    return _look_first(talk, reference) or with_reasons(talk, "reject", reference, words, _reject)


def stop(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """冻结 <号> <理由>: a live appeal, or a household that was verified, with all that it has open."""
    return with_reasons(talk, "stop", reference, words, _stop)


def go_on(talk: Talk, reference: str = "") -> Answer:
    """解冻 <号>."""
    if not reference:
        return todo(talk)
    db, staff, (subject, number) = talk.desk.db, staff_of(talk), parse(reference)
    if subject == "appeal":
        appeal = review.go_on(db, staff, number, talk.world.now)
        return _decided("went_on", "appeal", number, appeal.state, title=appeal.title)
    case = _case_in_region(talk, staff, number)
    stopped = decisions.reinstate(db, case, staff, talk.world.now)
    return _decided("went_on", "case", number, case.state, appeals=stopped)


def revoke(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """撤销认证 <号> <理由>: for good, after it was stopped."""
    return with_reasons(talk, "revoke_case", reference, words, _revoke)


def end_appeal(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Only a numbered line leads here: what was frozen is cancelled, with a reason."""
    return with_reasons(talk, "end_appeal", reference, words, _end)


def _look_first(talk: Talk, reference: str, *, reopens: bool = False) -> Answer | None:
    """A case is decided on as it stands now: who has not seen it since it last moved is shown it, and nothing is done.

    An old number on a screen means the case as it was then.
    """
    if reference and parse(reference)[0] == "disbursement":
        return desk.look_first(talk, reference)
    if reference and parse(reference)[0] == "message":
        return messages.look_first(talk, parse(reference)[1])
    if not reference or parse(reference)[0] != "case":
        return None
    db, staff, number = talk.desk.db, staff_of(talk), parse(reference)[1]
    case = get_case(db, number)
    if reopens and case.state == "rejected":
        decisions.check_reopen(db, case, staff)
    elif case.state not in _DECIDED or not stage_of(db, staff, "case", number).mine:
        return None
    if has_seen(db, staff, "case", number):
        return None
    answer = look(talk, reference)
    answer.says.insert(0, Say("replies/staff/must_read_first", None, {}))
    return answer


def _approve(talk: Talk, reference: str) -> Answer:
    db, staff, now = talk.desk.db, staff_of(talk), talk.world.now
    subject, number = parse(reference)
    if subject == "appeal":
        appeal = review.approve(db, staff, number, now)
        return _decided("approved", "appeal", number, appeal.state, title=appeal.title)
    if subject == "disbursement":
        return desk.approve(talk, reference)
    if subject == "message":
        return messages.approve(talk, number)
    case = get_case(db, number)
    match case.state:
        case "township_review":
            decisions.review(db, case, staff, now)
        case "county_review":
            decisions.verify(db, case, staff, now)
        case _:
            # A visit and an objection have answers of their own; the look at the case offers them.
            decisions.take_visit(db, case, staff)
            raise WrongState(subject="case", state=case.state, wanted="verified")
    return _decided("approved", "case", number, case.state)


def _send_back(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.send_back(db, staff, number, reasons, now)
        return _decided("sent_back", "appeal", number, appeal.state, title=appeal.title)
    if subject == "disbursement":
        return desk.send_back(talk, staff, reference, reasons)
    if subject == "message":
        return messages.send_back(talk, staff, number, reasons)
    case = get_case(db, number)
    if case.state == "rejected":
        decisions.reopen(db, case, staff, reasons, now)
    else:
        decisions.send_back(db, case, staff, reasons, now)
    return _decided("sent_back", "case", number, case.state)


def _reject(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.reject(db, staff, number, reasons, now)
        return _decided("rejected", "appeal", number, appeal.state, title=appeal.title)
    if subject == "disbursement":
        return desk.reject(talk, staff, reference, reasons)
    case = get_case(db, number)
    decisions.reject(db, case, staff, reasons, now)
    return _decided("rejected", "case", number, case.state)


def _stop(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.stop(db, staff, number, reasons[0], now)
        return _decided("stopped", "appeal", number, appeal.state, title=appeal.title)
    case = _case_in_region(talk, staff, number)
    frozen = decisions.suspend(db, case, staff, reasons[0], now)
    return _decided("stopped", "case", number, case.state, appeals=frozen)


def _revoke(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    case = _case_in_region(talk, staff, parse(reference)[1])
    decisions.revoke(talk.desk.db, case, staff, reasons[0], talk.world.now)
    return _decided("revoked", "case", case.id, case.state)


def _end(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    number = parse(reference)[1]
    appeal = review.end(talk.desk.db, staff, number, reasons[0], talk.world.now)
    return _decided("ended", "appeal", number, appeal.state, title=appeal.title)


def _case_in_region(talk: Talk, staff: Staff, number: int) -> Verification:
    case = get_case(talk.desk.db, number)
    demand_region(talk.desk.db, staff, case.matter)
    review.demand_no_tie(talk.desk.db, staff, case.matter)
    return case


def _decided(what: str, subject: str, number: int, state: str, **facts: object) -> Answer:
    values = {"what": what, "subject": subject, "id": number, "state": state, "title": "", "appeals": [], **facts}
    return Answer([Say("replies/staff/decided", None, values)])
