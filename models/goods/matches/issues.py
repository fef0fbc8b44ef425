"""Decide on what went wrong with a match: complaints of households, calls back by sample, and losses.

A match has one open task at a time: a complaint is more urgent than a call, and a call than a loss. What was put off
is opened once the earlier task is done.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, WrongState
from models.goods.exchange import NoSuchThing
from models.goods.matches import holding
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import Match
from models.goods.points.collection_card import printers_of
from models.goods.points.point import Point, ReceivedLine
from models.notifications.notify import notify_user
from models.proxy.mandate import acted_for
from models.staff.decision import Decision, decide
from models.staff.member import Staff, all_seats_of, notify_staff, spread_to_all_seats
from models.staff.task import Matter, Task, close_task, find_task, open_task
from models.staff.turn import demand_task

# What a household says of what it collected; ``not_got``: that it collected nothing.
WRONGS = ("not_got", "short", "broken", "spoiled", "other")
# So long after it was handed out, a household may still say that it was not.
COMPLAINT_DAYS = timedelta(days=30)
# Why an officer has no part in a complaint: they handed the goods out, keep the point, printed the card or called the
# household.
HANDED = "handed_out"
ISSUE, CALL, LOSS = "match_issue", "match_call", "match_lost"
# An officer passes a match once a round (models.staff.decision): each kind of task has its own.
_ROUNDS = {CALL: 1, LOSS: 2}
_FIRST_ISSUE = 3


class MatchIssue(Base):
    """What a household says was wrong with a match. ``upheld``: the township found that it is so; None: not decided."""

    __tablename__ = "match_issues"
    id: Mapped[RowId]
    match_id: Mapped[int] = mapped_column(ForeignKey("matches.id"), index=True)
    what: Mapped[str] = mapped_column(String(12))
    said_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    upheld: Mapped[bool | None] = mapped_column(Boolean)

    __table_args__ = (
        one_of("what", WRONGS),
        CheckConstraint("(decided_at IS NULL) = (upheld IS NULL)", name="decided_one_way"),
        Index("uq_match_issues_open", "match_id", unique=True, postgresql_where=text("upheld IS NULL")),
    )


class NotHandedOut(Refusal):
    """The match ``number`` was not handed out yet: it is in ``state``."""

    code = "not_handed_out"
    final = True


class ComplaintTooLate(Refusal):
    """It was handed out more than ``days`` ago."""

    code = "complaint_too_late"
    final = True


class SaidBefore(Refusal):
    """The household said of this match before that something was wrong; it is decided, or waits for the township."""

    code = "said_before"
    final = True


def matter_of(db: Session, match: Match) -> Matter:
    return Matter("match", match.id, db.get_one(Point, match.point_id).region_code, match.household_id)


def complain(db: Session, user_id: int | None, number: int, what: str, now: datetime) -> Match:
    """Note that the household says that something is wrong with what was handed out, and ask the township.

    Raises NoSuchThing, also for another person's match; NotHandedOut, ComplaintTooLate or SaidBefore.
    """
    held = lock_match(db, number)
    if held.request.owner_id != user_id:
        raise NoSuchThing(what="match", number=number)
    _begin(db, held, what, Actor.owner(user_id), now)
    return held.match


def check_complaint(db: Session, match: Match, now: datetime) -> None:
    """Raises NotHandedOut, ComplaintTooLate or SaidBefore."""
    if db.scalar(select(MatchIssue.id).where(MatchIssue.match_id == match.id).limit(1)):
        raise SaidBefore(number=match.id)
    if match.state not in ("collected", "confirmed") or match.collected_at is None:
        raise NotHandedOut(number=match.id, state=match.state)
    if match.collected_at + COMPLAINT_DAYS < now:
        raise ComplaintTooLate(number=match.id, days=COMPLAINT_DAYS.days)


def withdraw_complaint(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Drop an undecided complaint that an officer made for the household, which denies it and may make its own."""
    held = lock_match(db, number)
    issue = db.scalar(select(MatchIssue).where(MatchIssue.match_id == number, MatchIssue.upheld.is_(None)))
    if issue is None:
        return
    close_task(db, "match", number, now)
    db.delete(issue)
    holding.confirm(db, held, owner, now)
    _open_put_off(db, held.match, now)


def open_call(db: Session, match: Match, now: datetime, barred: Sequence[int] = ()) -> None:
    """Have the township ask the household whether it has what was handed out. ``barred``: seats besides who did.

    A loss that waits for the county is put off until the call is done.
    """
    close_task(db, "match", match.id, now)
    open_task(db, matter_of(db, match), CALL, now, _concerned(db, match, barred))


def open_loss(db: Session, match: Match, now: datetime) -> None:
    """Have the county look at goods that never came, or came amiss."""
    if find_task(db, "match", match.id) is None:
        open_task(db, matter_of(db, match), LOSS, now, _concerned(db, match))


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[Held, Task]:
    """Lock the match for the officer whose turn it is.

    Raises NoSuchThing, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    held = lock_match(db, number)
    return held, demand_task(db, staff, matter_of(db, held.match), held.match.state)


def close_call(db: Session, staff: Staff, number: int, now: datetime) -> Match:
    """Note that the household has it, as it said when it was called. Raises as ``check_decidable`` does."""
    held = _of_step(db, staff, number, CALL)
    decide(db, matter_of(db, held.match), _ROUNDS[CALL], staff, "pass", now)
    close_task(db, "match", number, now, staff)
    _open_put_off(db, held.match, now)
    return held.match


def deny_call(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Match:
    """Note that the household has it not, as it said when it was called: another officer decides on that.

    Raises as ``check_decidable`` does.
    """
    held = _of_step(db, staff, number, CALL)
    decide(db, matter_of(db, held.match), _ROUNDS[CALL], staff, "doubt", now, reasons)
    close_task(db, "match", number, now, staff)
    _begin(db, held, "not_got", staff.actor, now, [staff.id])
    return held.match


def decide_issue(
    db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime, *, upheld: bool
) -> Match:
    """Decide on a complaint. ``upheld``: the household did not get it, so its request is open again.

    Tells the household and who handed it out. Raises as ``check_decidable`` does.
    """
    held = _of_step(db, staff, number, ISSUE)
    match = held.match
    issue = db.scalars(select(MatchIssue).where(MatchIssue.match_id == number, MatchIssue.upheld.is_(None))).one()
    matter = matter_of(db, match)
    decide(db, matter, _FIRST_ISSUE, staff, "uphold" if upheld else "dismiss", now, reasons)
    issue.decided_by, issue.decided_at, issue.upheld = staff.id, now, upheld
    close_task(db, "match", number, now, staff)
    if upheld:
        holding.take_back(db, held, staff.actor, now)
    else:
        holding.confirm(db, held, staff.actor, now)
    _tell(db, held, issue, reasons, now)
    _open_put_off(db, match, now)
    return match


def close_loss(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Match:
    """Record why goods were lost. Raises as ``check_decidable`` does."""
    held = _of_step(db, staff, number, LOSS)
    decide(db, matter_of(db, held.match), _ROUNDS[LOSS], staff, "sound", now, reasons)
    close_task(db, "match", number, now, staff)
    return held.match


def upheld_against(db: Session, staff_id: int, since: datetime) -> int:
    """Count the complaints that were right about what this person handed out, with all seats of theirs."""
    theirs = Match.handed_by.in_(all_seats_of(db, [staff_id]))
    found = select(func.count(MatchIssue.id)).join(Match, Match.id == MatchIssue.match_id)
    return db.scalar(found.where(theirs, MatchIssue.upheld.is_(True), MatchIssue.decided_at > since)) or 0


def _begin(db: Session, held: Held, what: str, actor: Actor, now: datetime, barred: Sequence[int] = ()) -> None:
    match = held.match
    check_complaint(db, match, now)
    db.add(MatchIssue(match_id=match.id, what=what, said_at=now))
    holding.dispute(db, held, actor, now)
    close_task(db, "match", match.id, now)
    open_task(db, matter_of(db, match), ISSUE, now, _concerned(db, match, barred))


def _of_step(db: Session, staff: Staff, number: int, step: str) -> Held:
    held, task = check_decidable(db, staff, number)
    if task.step != step:
        raise WrongState(subject="match", state=held.match.state, wanted=step)
    return held


def _concerned(db: Session, match: Match, others: Sequence[int] = ()) -> dict[int, str]:
    """Map the seats that may not decide on the match to why.

    They handed it out, keep the point, are named, printed a card of it, which says its digits, or answered for its
    household.
    """
    keeper = db.get_one(Point, match.point_id).keeper_id
    seats = {keeper, *others, *printers_of(db, match.id), *([match.handed_by] if match.handed_by else [])}
    by_mandate = acted_for(db, "match", match.id, match.household_id)
    return {**spread_to_all_seats(db, by_mandate), **dict.fromkeys(all_seats_of(db, seats), HANDED)}


def _open_put_off(db: Session, match: Match, now: datetime) -> None:
    """Open the task of a loss that a more urgent one stood in the way of."""
    amiss = select(ReceivedLine.id).where(ReceivedLine.match_id == match.id, ReceivedLine.kind != "came").limit(1)
    looked = (Decision.subject == "match") & (Decision.subject_id == match.id) & (Decision.verdict == "sound")
    if db.scalar(amiss) and not db.scalar(select(Decision.id).where(looked).limit(1)):
        open_loss(db, match, now)


def _tell(db: Session, held: Held, issue: MatchIssue, reasons: Sequence[str], now: datetime) -> None:
    match = held.match
    facts = {"match": match.id, "upheld": issue.upheld, "what": issue.what, "reasons": list(reasons)}
    facts |= {"number": held.request.id, "item": held.request.item}
    about, key = ("match", match.id), f"goods_issue_decided:{issue.id}"
    notify_user(db, held.request.owner_id, "goods_issue_decided", facts, key, now, about)
    if match.handed_by:
        theirs = {**facts, "item": held.offer.item, "number": match.id}
        handed = db.get_one(Staff, match.handed_by)
        notify_staff(db, handed, "match_issue_decided", theirs, f"match_issue_decided:{issue.id}", now, about)
