"""留言: a donor sends a message to the family or withdraws it, and an officer passes it or sends it back.

An officer sees the donor's name only where the gift has one (invariant 15), and never decides on their own message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.donors.message import (
    MACHINE,
    SUBJECT,
    GiftMessage,
    NoSuchMessage,
    current_message,
    matter_of,
)
from models.giving.pledge import Pledge, counted
from models.notifications.notify import notify_user
from models.payments.refund_entitlement import NoSuchGift
from models.people.user import User
from models.staff.decision import decide, end_review, passed_by
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff, seats_of_users
from models.staff.task import Matter, open_task
from models.staff.task_steps import STEPS
from models.staff.turn import demand_task

DAYS = STEPS["message"][1]


class GiftTakesNoMessage(Refusal):
    """The gift is not paid yet, or is being refunded (``state`` of the pledge)."""

    code = "gift_takes_no_message"
    final = True


class MessageExists(Refusal):
    """The gift has a message already (``state`` of the message), or it can no longer be withdrawn."""

    code = "message_exists"
    final = True


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A message as an officer sees it. ``name``: the donor's; None for an anonymous gift."""

    number: int
    appeal: int
    title: str
    words: str
    name: str | None
    state: str
    reported: bool
    task: TaskView


def own_gift(db: Session, donor: User, code: str) -> Pledge:
    """Get this donor's gift by its code. Raises NoSuchGift."""
    pledge = db.scalar(select(Pledge).where(Pledge.code == code, Pledge.donor_id == donor.id))
    if pledge is None:
        raise NoSuchGift(gift=code)
    return pledge


def gifts_that_take_messages(db: Session, donor: User, most: int) -> Sequence[Pledge]:
    """List the donor's newest gifts whose state allows a message."""
    theirs = select(Pledge).where(Pledge.donor_id == donor.id, Pledge.state.in_(counted(db)))
    return db.scalars(theirs.order_by(Pledge.id.desc()).limit(most)).all()


def check_takes_message(db: Session, pledge: Pledge) -> None:
    """Raise GiftTakesNoMessage or MessageExists unless a message may be sent with this gift."""
    if pledge.state not in counted(db):
        raise GiftTakesNoMessage(gift=pledge.code, number=pledge.appeal_id, state=pledge.state)
    before = current_message(db, pledge.id)
    if before:
        raise MessageExists(gift=pledge.code, number=pledge.appeal_id, state=before.state)


def submit_message(db: Session, donor: User, code: str, words: str, draft_id: str, now: datetime) -> GiftMessage:
    """Submit a message for review. The same draft twice is one message.

    Raises NoSuchGift, GiftTakesNoMessage or MessageExists.
    """
    earlier = db.scalar(select(GiftMessage).where(GiftMessage.draft_id == draft_id))
    if earlier:
        return earlier
    found = own_gift(db, donor, code)
    # Locked, so that it is not refunded at the same moment.
    pledge = db.get_one(Pledge, found.id, with_for_update={"key_share": True}, populate_existing=True)
    check_takes_message(db, pledge)
    appeal = get_appeal(db, pledge.appeal_id)
    message = GiftMessage(
        draft_id=draft_id, pledge_id=pledge.id, appeal_id=appeal.id, words=words, state="submitted", created_at=now
    )
    db.add(message)
    try:
        db.flush()
    except IntegrityError as error:
        if "pledge_id" in str(error.orig) or "gift_messages_one" in str(error.orig):
            raise MessageExists(gift=code, number=appeal.id, state="submitted") from None  # two were sent at one moment
        raise
    actor = f"user:{donor.id}"
    record(
        db, at=now, actor=actor, action="wrote", subject=SUBJECT, subject_id=message.id, detail=f"appeal:{appeal.id}"
    )
    open_task(db, _matter(message, appeal), "message", now, _seats_of(db, donor.id))
    return message


def withdraw_message(db: Session, donor: User, code: str, now: datetime) -> None:
    """Withdraw a message that no officer has decided on. Raises NoSuchGift, NoSuchMessage or MessageExists."""
    found = current_message(db, own_gift(db, donor, code).id)
    if found is None:
        raise NoSuchMessage(number=0)
    message = _held(db, found.id)
    if message.state != "submitted":
        raise MessageExists(gift=code, number=message.appeal_id, state=message.state)
    end_review(db, MACHINE, message, "withdrawn", Actor.owner(donor.id), now)


def open_message(db: Session, staff: Staff, number: int, now: datetime) -> MessageFile:
    """Show a message to an officer as the family would read it; the reading is recorded.

    Raises NoSuchMessage, also outside the region, for the reader's own household or gift, and once it is withdrawn.
    """
    message = db.get(GiftMessage, number)
    appeal = db.get_one(Appeal, message.appeal_id) if message else None
    if message is None or appeal is None or message.state == "withdrawn":
        raise NoSuchMessage(number=number)
    pledge = db.get_one(Pledge, message.pledge_id)
    if not may_read_as_authority(db, staff, _matter(message, appeal)) or staff.id in _seats_of(db, pledge.donor_id):
        raise NoSuchMessage(number=number)
    record_file_access(db, staff, SUBJECT, number, pledge.donor_id, now)
    return MessageFile(
        number=number,
        appeal=appeal.id,
        title=appeal.title,
        words=message.words,
        name=sender_name(db, pledge),
        state=message.state,
        reported=message.reported_at is not None,
        task=view_task(db, staff, SUBJECT, number),
    )


def sender_name(db: Session, pledge: Pledge) -> str | None:
    """Return the name under a gift's message: the donor's display name; None for an anonymous gift."""
    return None if pledge.anonymous else db.get_one(User, pledge.donor_id).display_name


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[GiftMessage, Appeal]:
    """Lock and return the message, with its appeal, for the officer whose turn it is.

    Raises NoSuchMessage, OutsideRegion, NotYourTurn or HasConflict.
    """
    message = _held(db, number)
    appeal = db.get_one(Appeal, message.appeal_id)
    demand_task(db, staff, _matter(message, appeal), message.state)
    return message, appeal


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read the message, which is required before passing it."""
    return has_read(db, staff, SUBJECT, number)


def pass_message(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Appeal, int]:
    """Pass a message to the family and notify it, and the donor the first time.

    Returns the appeal and how many of the family's conversations were notified. Raises as ``check_decidable`` does, and
    DecidedBefore.
    """
    message, appeal = check_decidable(db, staff, number)
    pledge = db.get_one(Pledge, message.pledge_id)
    decide(db, _matter(message, appeal), message.round, staff, "pass", now)
    _end(db, message, "passed", staff, now)
    facts = {"number": appeal.id, "title": appeal.title, "words": message.words, "name": sender_name(db, pledge)}
    family = notify_user(db, appeal.owner_id, "gift_message", facts, dedupe_key_of(message), now, ("appeal", appeal.id))
    if message.reported_at is None:
        _notify_donor(db, appeal, pledge, message, (), now)
    return appeal, family


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Appeal:
    """Return a message to its donor with the reasons; the family does not read it (any more).

    Raises as ``check_decidable`` does.
    """
    message, appeal = check_decidable(db, staff, number)
    decide(db, _matter(message, appeal), message.round, staff, "return", now, reasons)
    _end(db, message, "returned", staff, now)
    _notify_donor(db, appeal, db.get_one(Pledge, message.pledge_id), message, reasons, now)
    return appeal


def open_second_review(db: Session, message: GiftMessage, appeal: Appeal, now: datetime) -> None:
    """Open the task to decide on a reported message, for a higher level and never for the officer who passed it."""
    pledge = db.get_one(Pledge, message.pledge_id)
    matter = _matter(message, appeal)
    passed = dict.fromkeys(passed_by(db, matter, 1), "decided_before")
    open_task(db, matter, "message_report", now, {**passed, **_seats_of(db, pledge.donor_id)})


def dedupe_key_of(message: GiftMessage) -> str:
    """Return the key under which the family is notified of the message."""
    return f"gift_message:{message.id}"


def _matter(message: GiftMessage, appeal: Appeal) -> Matter:
    return matter_of(message, appeal.region_code, appeal.household_id)


def _held(db: Session, number: int) -> GiftMessage:
    message = db.get(GiftMessage, number, with_for_update=True, populate_existing=True)
    if message is None:
        raise NoSuchMessage(number=number)
    return message


def _end(db: Session, message: GiftMessage, state: str, staff: Staff, now: datetime) -> None:
    message.decided_by, message.decided_at = staff.id, now
    end_review(db, MACHINE, message, state, staff.actor, now, staff=staff)


def _notify_donor(
    db: Session, appeal: Appeal, pledge: Pledge, message: GiftMessage, reasons: Sequence[str], now: datetime
) -> None:
    facts = {"number": appeal.id, "title": appeal.title, "code": pledge.code, "passed": not reasons}
    facts |= {"reasons": list(reasons), "again": message.reported_at is None}
    key = f"message:{message.id}:{message.round}"
    notify_user(db, pledge.donor_id, "message_decided", facts, key, now, ("appeal", appeal.id))


def _seats_of(db: Session, user_id: int) -> dict[int, str]:
    """Staff id -> ``own_words`` for the donor's own seats on the staff, who must not decide on the message."""
    return dict.fromkeys(seats_of_users(db, [user_id]), "own_words")
