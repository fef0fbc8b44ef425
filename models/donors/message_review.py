"""留言: a donor writes to the family, takes it back while nobody has read it, and an officer lets it through or not.

An officer learns whose it is only where the gift has a name (invariant 15), and is never its donor in another seat.
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
from models.core.state_machine import Actor, By
from models.donors.message import (
    MACHINE,
    SUBJECT,
    GiftMessage,
    NoSuchMessage,
    matter_of,
    standing_with,
)
from models.giving.pledge import Pledge
from models.notifications.notification import tell
from models.payments.refund_entitlement import NoSuchGift
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.decision import decide, passed_by
from models.staff.desk_review import Stage, end_review, has_seen, may_review, record_review, stage_of
from models.staff.member import Staff
from models.staff.task import STEPS, Matter, open_task, take

# Gifts with which something may be said: promised while PAY_MODE was off, or come and not gone back.
SPEAKS = ("intended", "paid", "committed", "partly_disbursed", "settled")
DAYS = STEPS["message"][1]


class GiftIsSilent(Refusal):
    """It has not come yet, or goes back (``state`` of the pledge)."""

    code = "gift_is_silent"
    final = True


class MessageSaid(Refusal):
    """One stands with this gift already (``state`` of it), or it cannot be taken back any more."""

    code = "message_said"
    final = True


@dataclass(frozen=True, slots=True)
class MessageFile:
    """As an officer sees it. ``name``: the gift's; None where it has none."""

    number: int
    appeal: int
    title: str
    words: str
    name: str | None
    state: str
    reported: bool
    stage: Stage


def own_gift(db: Session, donor: User, code: str) -> Pledge:
    """Raises NoSuchGift."""
    pledge = db.scalar(select(Pledge).where(Pledge.code == code, Pledge.donor_id == donor.id))
    if pledge is None:
        raise NoSuchGift(gift=code)
    return pledge


def speaking_gifts(db: Session, donor: User, most: int) -> Sequence[Pledge]:
    """Their newest gifts with which something may be said."""
    theirs = select(Pledge).where(Pledge.donor_id == donor.id, Pledge.state.in_(SPEAKS))
    return db.scalars(theirs.order_by(Pledge.id.desc()).limit(most)).all()


def check_may_say(db: Session, pledge: Pledge) -> None:
    """Raises GiftIsSilent or MessageSaid."""
    if pledge.state not in SPEAKS:
        raise GiftIsSilent(gift=pledge.code, number=pledge.appeal_id, state=pledge.state)
    before = standing_with(db, pledge.id)
    if before:
        raise MessageSaid(gift=pledge.code, number=pledge.appeal_id, state=before.state)


def say(db: Session, donor: User, code: str, words: str, draft_id: str, now: datetime) -> GiftMessage:
    """Let it wait for an officer. The same draft twice is one message. Raises NoSuchGift, GiftIsSilent, MessageSaid."""
    earlier = db.scalar(select(GiftMessage).where(GiftMessage.draft_id == draft_id))
    if earlier:
        return earlier
    found = own_gift(db, donor, code)
    # Held, so that it does not go back at the same moment.
    pledge = db.get_one(Pledge, found.id, with_for_update={"key_share": True}, populate_existing=True)
    check_may_say(db, pledge)
    appeal = get_appeal(db, pledge.appeal_id)
    message = GiftMessage(
        draft_id=draft_id, pledge_id=pledge.id, appeal_id=appeal.id, words=words, state="submitted", created_at=now
    )
    db.add(message)
    try:
        db.flush()
    except IntegrityError as error:
        if "pledge_id" in str(error.orig) or "gift_messages_one" in str(error.orig):
            raise MessageSaid(gift=code, number=appeal.id, state="submitted") from None  # said twice at one moment
        raise
    actor = f"user:{donor.id}"
    record(
        db, at=now, actor=actor, action="wrote", subject=SUBJECT, subject_id=message.id, detail=f"appeal:{appeal.id}"
    )
    open_task(db, _matter(message, appeal), "message", now, _seats_of(db, donor.id))
    return message


def take_back(db: Session, donor: User, code: str, now: datetime) -> None:
    """While nobody has let it through. Raises NoSuchGift, NoSuchMessage or MessageSaid."""
    found = standing_with(db, own_gift(db, donor, code).id)
    if found is None:
        raise NoSuchMessage(number=0)
    message = _held(db, found.id)
    if message.state != "submitted":
        raise MessageSaid(gift=code, number=message.appeal_id, state=message.state)
    end_review(db, MACHINE, message, "withdrawn", Actor(By.OWNER, f"user:{donor.id}"), now)


def open_message(db: Session, staff: Staff, number: int, now: datetime) -> MessageFile:
    """What the family would read; the look is recorded.

    Raises NoSuchMessage: also outside the region, of one's own household, of one's own gift, and once it is nobody's.
    """
    message = db.get(GiftMessage, number)
    appeal = db.get_one(Appeal, message.appeal_id) if message else None
    if message is None or appeal is None or message.state == "withdrawn":
        raise NoSuchMessage(number=number)
    pledge = db.get_one(Pledge, message.pledge_id)
    if not may_review(db, staff, _matter(message, appeal)) or staff.id in _seats_of(db, pledge.donor_id):
        raise NoSuchMessage(number=number)
    record_review(db, staff, SUBJECT, number, pledge.donor_id, now)
    return MessageFile(
        number=number,
        appeal=appeal.id,
        title=appeal.title,
        words=message.words,
        name=signed(db, pledge),
        state=message.state,
        reported=message.reported_at is not None,
        stage=stage_of(db, staff, SUBJECT, number),
    )


def signed(db: Session, pledge: Pledge) -> str | None:
    """The name under a gift's message: the one that its donor is shown by, where the gift has one."""
    return None if pledge.anonymous else db.get_one(User, pledge.donor_id).display_name


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[GiftMessage, Appeal]:
    """The message is held. Raises NoSuchMessage, OutsideRegion, NotYourTurn or HasAPart."""
    message = _held(db, number)
    appeal = db.get_one(Appeal, message.appeal_id)
    take(db, staff, _matter(message, appeal), message.state)
    return message, appeal


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Nobody lets through words that they have not read."""
    return has_seen(db, staff, SUBJECT, number)


def let_through(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Appeal, int]:
    """From now on the family reads it, and is told. Returns how many of theirs could be. Raises as
    ``check_decidable``, and DecidedBefore.
    """
    message, appeal = check_decidable(db, staff, number)
    pledge = db.get_one(Pledge, message.pledge_id)
    decide(db, _matter(message, appeal), message.round, staff, "pass", now)
    _end(db, message, "passed", staff, now)
    facts = {"number": appeal.id, "title": appeal.title, "words": message.words, "name": signed(db, pledge)}
    family = db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)).all()
    for person in family:
        tell(db, person, "gift_message", facts, key_for(message, person), now, ("appeal", appeal.id))
    if message.reported_at is None:
        _tell_donor(db, appeal, pledge, message, (), now)
    return appeal, len(family)


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Appeal:
    """The family does not read it, or no longer; its donor hears why. Raises as ``check_decidable``."""
    message, appeal = check_decidable(db, staff, number)
    decide(db, _matter(message, appeal), message.round, staff, "return", now, reasons)
    _end(db, message, "returned", staff, now)
    _tell_donor(db, appeal, db.get_one(Pledge, message.pledge_id), message, reasons, now)
    return appeal


def look_again(db: Session, message: GiftMessage, appeal: Appeal, now: datetime) -> None:
    """The family has reported it: to somebody above, and not to who let it through."""
    pledge = db.get_one(Pledge, message.pledge_id)
    matter = _matter(message, appeal)
    passed = dict.fromkeys(passed_by(db, matter, 1), "decided_before")
    open_task(db, matter, "message_report", now, {**passed, **_seats_of(db, pledge.donor_id)})


def key_for(message: GiftMessage, conversation_id: int) -> str:
    """Of the notice that brings it to the family."""
    return f"gift_message:{message.id}:{conversation_id}"


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


def _tell_donor(
    db: Session, appeal: Appeal, pledge: Pledge, message: GiftMessage, reasons: Sequence[str], now: datetime
) -> None:
    facts = {"number": appeal.id, "title": appeal.title, "code": pledge.code, "passed": not reasons}
    facts |= {"reasons": list(reasons), "again": message.reported_at is None}
    for person in db.scalars(select(Conversation.id).where(Conversation.user_id == pledge.donor_id)):
        key = f"message:{message.id}:{message.round}:{person}"
        tell(db, person, "message_decided", facts, key, now, ("appeal", appeal.id))


def _seats_of(db: Session, user_id: int) -> dict[int, str]:
    """Who gives as a neighbour does not let their own words through as staff."""
    seat = (Conversation.account == Staff.account) & (Conversation.openid == Staff.openid)
    found = db.scalars(select(Staff.id).join(Conversation, seat).where(Conversation.user_id == user_id))
    return dict.fromkeys(found, "own_words")
