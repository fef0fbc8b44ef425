"""Decide on things that wait: approve (通过), send back (退回), reject (驳回), stop (冻结), go on (解冻)."""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.reasons import recuse_first, with_reasons
from handlers.staff.subject_actions import actions_for
from handlers.staff.todo import todo


def approve(talk: Talk, reference: str = "") -> Answer:
    """Answer 通过 <number>: pass the step that this seat decides; without a number, list the queue."""
    if not reference:
        return todo(talk)
    actions, number = actions_for(talk, reference)
    first = recuse_first(talk, reference) or actions.must_read_first(talk, "approve", number)
    return first or actions.approve(talk, number)


def send_back(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Answer 退回 <number> <reason>: send an appeal back for correction, a case for another visit."""
    return _must_read_first(talk, "send_back", reference) or with_reasons(talk, "send_back", reference, words)


def reject(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Answer 驳回 <number> <reason>: reject an appeal (village or county) or a case (county)."""
    return _must_read_first(talk, "reject", reference) or with_reasons(talk, "reject", reference, words)


def freeze(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Answer 冻结 <number> <reason>: freeze a live appeal, or suspend a verified household with its open things."""
    return with_reasons(talk, "stop", reference, words)


def resume(talk: Talk, reference: str = "") -> Answer:
    """Answer 解冻 <number>: lift a freeze or suspension; without a number, list the queue."""
    if not reference:
        return todo(talk)
    actions, number = actions_for(talk, reference)
    return actions.resume(talk, number)


def revoke(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Revoke a suspended household's verification for good, with a reason (撤销认证)."""
    return with_reasons(talk, "revoke_case", reference, words)


def dissolve(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """End a suspended organisation that is no more, with a reason. Only a numbered line leads here."""
    return with_reasons(talk, "dissolve_organisation", reference, words)


def end_appeal(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Cancel a frozen appeal, with a reason. Only a numbered line leads here."""
    return with_reasons(talk, "end_appeal", reference, words)


def _must_read_first(talk: Talk, command: str, reference: str) -> Answer | None:
    if not reference:
        return None
    actions, number = actions_for(talk, reference)
    return actions.must_read_first(talk, command, number)


def decided(what: str, subject: str, number: int, state: str, **facts: object) -> Answer:
    values = {"what": what, "subject": subject, "id": number, "state": state, "title": "", "appeals": [], **facts}
    return Answer([Say("replies/staff/decided", None, values)])
