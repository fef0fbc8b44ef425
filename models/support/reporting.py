"""举报: take a person's report of a thing, and put it before the officer above whoever is concerned, or the county.

Lock order: the inquiry, then the appeal whose payouts it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import start_of_day
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.people.conversation import Conversation
from models.people.erased_phone import conversations_of_phone
from models.people.photo import attach_photos
from models.staff.member import SAME_WECHAT, Staff, all_seats_of
from models.staff.task import close_task, find_task, open_task, recuse
from models.staff.task_steps import STEPS
from models.support.inquiry import IS_LIVE, MACHINE, STEP_IN, SUBJECT, Inquiry, Report, live_inquiry
from models.support.payout_hold import hold_payouts
from models.support.reported_thing import CONCERNED, ReportedThing, concerned_with, county_is_concerned, thing_now
from models.support.reporters import Weight, is_discredited, weigh

MOST_A_DAY = 5
# A thing that so many circles of people reported goes before the county at once.
CIRCLES_FOR_COUNTY = 3
# So does one report of these kinds.
AT_ONCE = ("child", "illness", "staff")


class OwnThing(Refusal):
    """The thing is the reporter's own."""

    code = "own_thing"
    final = True


class ReportedAlready(Refusal):
    """This person's earlier report of the thing is not decided yet."""

    code = "reported_already"
    final = True


class ReportedTooOften(Refusal):
    """The person reported ``most`` things today."""

    code = "reported_too_often"
    final = True


@dataclass(frozen=True, slots=True)
class NewReport:
    """A person's report: its kind (models.support.inquiry.KINDS), words and pictures from the Photo reader."""

    draft_id: str
    conversation_id: int
    kind: str
    words: str
    pictures: Sequence[Mapping[str, str]]


def check_may_report(db: Session, thing: ReportedThing, conversation_id: int, now: datetime) -> None:
    """Raises OwnThing, ReportedAlready or ReportedTooOften."""
    conversation = db.get_one(Conversation, conversation_id)
    own_seat = select(Staff.id).where(Staff.account == conversation.account, Staff.openid == conversation.openid)
    seats = all_seats_of(db, db.scalars(own_seat)) if thing.about == "staff" else set()
    is_owner = thing.owner_id is not None and thing.owner_id == conversation.user_id
    if is_owner or (thing.about == "staff" and thing.number in seats):
        raise OwnThing(about=thing.about, number=thing.number)
    inquiry = live_inquiry(db, thing.about, thing.number)
    of_person = _of_person(db, conversation)
    if inquiry and db.scalar(select(Report.id).where(of_person, Report.inquiry_id == inquiry.id)):
        raise ReportedAlready(about=thing.about, thing=thing.number, name=thing.name)
    today = select(func.count()).where(of_person, Report.at >= start_of_day(now))
    if (db.scalar(today) or 0) >= MOST_A_DAY:
        raise ReportedTooOften(most=MOST_A_DAY)


def file_report(db: Session, thing: ReportedThing, new: NewReport, now: datetime) -> list[int]:
    """Keep the report in the thing's inquiry, begun where there is none. The same draft twice is one report.

    Returns the ids of the photos to fetch. Raises as ``check_may_report`` does.
    """
    if db.scalar(select(Report.id).where(Report.draft_id == new.draft_id)):
        return []
    inquiry = _locked(db, thing, now)
    check_may_report(db, thing, new.conversation_id, now)
    fields = {"draft_id": new.draft_id, "kind": new.kind, "words": new.words}
    report = Report(inquiry_id=inquiry.id, conversation_id=new.conversation_id, at=now, **fields)
    db.add(report)
    db.flush()
    owed = attach_photos(db, "report", report.id, new.conversation_id, new.pictures, now)
    # The trail is read by many: it keeps that somebody reported, and not who.
    record(db, at=now, actor="system", action="reported", subject=SUBJECT, subject_id=inquiry.id, detail=new.kind)
    _put_before(db, inquiry, thing, report, now)
    return owed


def promise(db: Session, thing: ReportedThing, kind: str, conversation_id: int, now: datetime) -> tuple[bool, datetime]:
    """Return whether this person's report goes to the county at once, and by when it is decided, as they are told.

    It is reckoned from their own report alone: the first to report a thing hears what the tenth does.
    """
    county = county_is_concerned(db, thing) or _is_at_once(db, thing, kind, conversation_id)
    steps = STEP_IN.values() if not county else (STEP_IN["before_county"],)
    return county, now + timedelta(days=sum(STEPS[step][1] for step in steps))


def barred_from(db: Session, inquiry: Inquiry) -> dict[int, str]:
    """Map each seat of those who may have no part in the inquiry, the concerned and who reported, to one and the same
    reason: it must not tell who reported."""
    thing = thing_now(db, inquiry.about, inquiry.about_id)
    return dict.fromkeys({*concerned_with(db, thing), *_own_seats(db, inquiry)}, CONCERNED)


def _locked(db: Session, thing: ReportedThing, now: datetime) -> Inquiry:
    """Begin the thing's inquiry, or find the live one; locked, so that reports are counted one after another."""
    row = {"about": thing.about, "about_id": thing.number, "region_code": thing.region_code, "state": "open"}
    row |= {"household_id": thing.household_id, "appeal_id": thing.appeal_id, "opened_at": now}
    once = insert(Inquiry).values(row)
    db.execute(once.on_conflict_do_nothing(index_elements=["about", "about_id"], index_where=IS_LIVE))
    inquiry = live_inquiry(db, thing.about, thing.number, lock=True)
    if inquiry is None:  # decided between the two statements
        return _locked(db, thing, now)
    return inquiry


def _put_before(db: Session, inquiry: Inquiry, thing: ReportedThing, report: Report, now: datetime) -> None:
    """Move the inquiry to the officer or the county, hold payouts, and recuse whom this report concerns."""
    is_held = inquiry.appeal_id is None or inquiry.held_until is not None
    if inquiry.state != "before_county" or not is_held:  # else nothing depends on the count, which reads all reports
        weight = weigh(db, inquiry, now)
        hold_payouts(db, inquiry, weight, now)
        to = "before_county" if _is_for_county(db, thing, report, weight) else "before_officer"
        if inquiry.state == "open" or (inquiry.state, to) == ("before_officer", "before_county"):
            move_before(db, inquiry, to, now)
    if task := find_task(db, SUBJECT, inquiry.id):
        for seat in _own_seats(db, inquiry):
            # Beside the report's own event, one in the trail would tell who reported.
            recuse(db, task, db.get_one(Staff, seat), CONCERNED, now, recorded=False)


def _is_for_county(db: Session, thing: ReportedThing, report: Report, weight: Weight) -> bool:
    if weight.circles >= CIRCLES_FOR_COUNTY or county_is_concerned(db, thing):
        return True
    return _is_at_once(db, thing, report.kind, report.conversation_id)


def _is_at_once(db: Session, thing: ReportedThing, kind: str, conversation_id: int) -> bool:
    at_once = kind in AT_ONCE or thing.about == "staff" or thing.ill
    return at_once and not is_discredited(db, conversation_id)


def move_before(db: Session, inquiry: Inquiry, to: str, now: datetime, staff: Staff | None = None) -> None:
    """Move the inquiry before the officer or the county and open that task; ``staff`` passed it on."""
    MACHINE.move(db, inquiry, to, staff.actor if staff else SYSTEM, now)
    close_task(db, SUBJECT, inquiry.id, now, staff)
    db.flush()
    open_task(db, inquiry.matter, STEP_IN[to], now)


def _of_person(db: Session, conversation: Conversation) -> ColumnElement[bool]:
    """Match the reports of the person behind a conversation, from any WeChat of theirs, and before an erasure."""
    here = Report.conversation_id.in_(conversations_of_phone(db, conversation.id))
    if conversation.user_id is None:
        return here
    theirs = select(Conversation.id).where(Conversation.user_id == conversation.user_id)
    return here | Report.conversation_id.in_(theirs)


def _own_seats(db: Session, inquiry: Inquiry) -> set[int]:
    """Return every seat of the staff who reported, who may not decide on their own report."""
    theirs = select(Staff.id).join(Conversation, SAME_WECHAT).join(Report, Report.conversation_id == Conversation.id)
    return all_seats_of(db, db.scalars(theirs.where(Report.inquiry_id == inquiry.id)))
