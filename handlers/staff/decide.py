"""通过, 退回, 驳回, 冻结, 解冻: a decision about whatever waits, with its reasons."""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.matter import matter_in
from handlers.staff.reasons import stepped_aside, with_reasons
from handlers.staff.todo import todo


def approve(talk: Talk, reference: str = "") -> Answer:
    """通过 <号>: one step on, as this seat may; without a number, what there is to decide."""
    if not reference:
        return todo(talk)
    matter, number = matter_in(talk, reference)
    first = stepped_aside(talk, reference) or matter.look_first(talk, "approve", number)
    return first or matter.approve(talk, number)


def send_back(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """退回 <号> <理由>: an appeal for correction, a case for another visit."""
    return _look_first(talk, "send_back", reference) or with_reasons(talk, "send_back", reference, words)


def reject(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """驳回 <号> <理由>: an appeal by village or county, a case by the county."""
    return _look_first(talk, "reject", reference) or with_reasons(talk, "reject", reference, words)


def stop(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """冻结 <号> <理由>: a live appeal, or a household that was verified, with all that it has open."""
    return with_reasons(talk, "stop", reference, words)


def go_on(talk: Talk, reference: str = "") -> Answer:
    """解冻 <号>."""
    if not reference:
        return todo(talk)
    matter, number = matter_in(talk, reference)
    return matter.go_on(talk, number)


def revoke(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """撤销认证 <号> <理由>: for good, after it was stopped."""
    return with_reasons(talk, "revoke_case", reference, words)


def end_appeal(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Only a numbered line leads here: what was frozen is cancelled, with a reason."""
    return with_reasons(talk, "end_appeal", reference, words)


def _look_first(talk: Talk, command: str, reference: str) -> Answer | None:
    if not reference:
        return None
    matter, number = matter_in(talk, reference)
    return matter.look_first(talk, command, number)


def decided(what: str, subject: str, number: int, state: str, **facts: object) -> Answer:
    values = {"what": what, "subject": subject, "id": number, "state": state, "title": "", "appeals": [], **facts}
    return Answer([Say("replies/staff/decided", None, values)])
