"""看, 通过, 驳回 of a match: officers decide on complaints, call households, and look into losses."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from handlers.goods import matches
from handlers.goods.match_page import Ways
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, ReasonedDecision, SubjectActions
from models.goods.exchange import Offer
from models.goods.matches import issues
from models.goods.matches.file import find_readable, is_read, open_match
from models.goods.matches.match import Match
from models.staff.member import Staff
from models.staff.task import find_task

# Step -> the commands that its officer may say, as numbered lines of the file.
_DECISIONS = {
    issues.CALL: ("approve", "reject"),
    issues.ISSUE: ("dismiss_match", "reject"),
    issues.LOSS: ("close_loss",),
}


def dismiss_match(talk: Talk, reference: str, words: str = "") -> Answer:
    """Find, with a reason, that it was handed out rightly. A numbered line and 通过 lead here."""
    return with_reasons(talk, "dismiss_match", reference, words)


def close_loss(talk: Talk, reference: str, words: str = "") -> Answer:
    """Record why goods were lost. A numbered line and 通过 lead here."""
    return with_reasons(talk, "close_loss", reference, words)


def _show_file(talk: Talk, number: int) -> Answer:
    """Show the file to an officer of the place; to its household and its donor its page. Raises NoSuchThing."""
    staff, db = find_seat(talk), talk.turn.db
    if staff is None or find_readable(db, staff, number) is None:
        return matches.view(talk, str(number))
    file = open_match(db, staff, number, talk.world.lexicon.goods, talk.world.now)
    said = _DECISIONS.get(file.task.step, ()) if file.task.mine else ()
    ways: Ways = {name: ["command", name, f"match:{number}"] for name in said}
    named = labels(talk.world.lexicon, "unit", "match_wrong")
    values = {"file": file, "labels": named, **pictures(talk, "match", number)}
    return with_ways("replies/goods/match_file", values, ways)


def _queue_line(db: Session, number: int) -> QueueLine:
    return ["look", f"match:{number}"], {"item": db.get_one(Offer, db.get_one(Match, number).offer_id).item}


def _must_read_first(talk: Talk, _command: str, number: int) -> Answer | None:
    """Show the file instead of deciding, where the officer has not read it as it now is.

    Raises as models.goods.matches.issues.check_decidable does.
    """
    db, staff = talk.turn.db, staff_of(talk)
    issues.check_decidable(db, staff, number)
    return opened_first(partial(_show_file, talk, number), is_read=is_read(db, staff, number))


def _approve(talk: Talk, number: int) -> Answer:
    """Close a call: the household has it. What needs a reason asks for it."""
    task = find_task(talk.turn.db, "match", number)
    step, reference = task.step if task else "", f"match:{number}"
    if step == issues.ISSUE:
        return dismiss_match(talk, reference)
    if step == issues.LOSS:
        return close_loss(talk, reference)
    return _decided(issues.close_call(talk.turn.db, staff_of(talk), number, talk.world.now), "called")


def _reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    """Find that the household has it not; of a call, another officer decides on that."""
    task = find_task(talk.turn.db, "match", number)
    if task and task.step == issues.CALL:
        return _decided(issues.deny_call(talk.turn.db, staff, number, reasons, talk.world.now), "denied")
    return _decided(issues.decide_issue(talk.turn.db, staff, number, reasons, talk.world.now, upheld=True), "upheld")


def _dismiss(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    match = issues.decide_issue(talk.turn.db, staff, number, reasons, talk.world.now, upheld=False)
    return _decided(match, "dismissed")


def _close_loss(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(issues.close_loss(talk.turn.db, staff, number, reasons, talk.world.now), "loss")


def _decided(match: Match, what: str) -> Answer:
    return Answer([Say("replies/goods/match_decided", None, {"number": match.id, "what": what})])


ACTIONS = SubjectActions(
    "match",
    _show_file,
    queue_line=_queue_line,
    must_read_first=_must_read_first,
    approve=_approve,
    reasoned={
        "reject": ReasonedDecision("match_uphold_reason", _reject),
        "dismiss_match": ReasonedDecision("match_dismiss_reason", _dismiss),
        "close_loss": ReasonedDecision("match_loss_reason", _close_loss),
    },
    check=lambda talk, staff, _command, number: issues.check_decidable(talk.turn.db, staff, number),
)
