"""Show a family its donors' messages, take its reports of unwelcome ones, and erase the words of erased people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.appeals.correction import own_appeal
from models.core.paging import Page, page_of
from models.core.state_machine import Actor
from models.donors.message import MACHINE, GiftMessage, NoSuchMessage
from models.donors.message_review import dedupe_key_of, open_second_review, sender_name
from models.giving.pledge import Pledge
from models.notifications.notification import UNREAD, Notification
from models.notifications.notify import lock_notified
from models.people.user import User
from models.staff.decision import end_review

PAGE = 3


@dataclass(frozen=True, slots=True)
class FamilyMessage:
    """A message as the family reads it. ``name``: the donor's; None for an anonymous gift.

    ``reportable``: the family has not reported it before.
    """

    number: int
    words: str
    name: str | None
    at: datetime
    reportable: bool


def has_messages(db: Session, appeal_id: int) -> bool:
    read = (GiftMessage.appeal_id == appeal_id) & (GiftMessage.state == "passed")
    return db.scalar(select(GiftMessage.id).where(read).limit(1)) is not None


def messages_to_family(db: Session, owner: User, number: int, before: int | None) -> tuple[Appeal, Page[FamilyMessage]]:
    """List the messages to the owner's appeal, the newest first, from below the id ``before``.

    Raises NoSuchAppeal or NotYourAppeal: nobody else may read them.
    """
    appeal = own_appeal(db, owner, number)
    theirs = select(GiftMessage, Pledge).join(Pledge, Pledge.id == GiftMessage.pledge_id)
    theirs = theirs.where(GiftMessage.appeal_id == number, GiftMessage.state == "passed")
    if before is not None:
        theirs = theirs.where(GiftMessage.id < before)
    rows = db.execute(theirs.order_by(GiftMessage.id.desc()).limit(PAGE + 1)).all()
    page = page_of(rows, PAGE, lambda row: int(row[0].id))
    found = [
        FamilyMessage(one.id, one.words, sender_name(db, pledge), one.created_at, reportable=one.reported_at is None)
        for one, pledge in page.items
    ]
    return appeal, Page(found, page.after)


def report_message(db: Session, owner: User, number: int, now: datetime) -> Appeal:
    """Report a message, which hides it until an officer of a higher level decides. Possible once.

    Raises NoSuchMessage, also for a message that cannot be reported any more.
    """
    message = db.get(GiftMessage, number, with_for_update=True, populate_existing=True)
    appeal = db.get_one(Appeal, message.appeal_id) if message else None
    if message is None or appeal is None or appeal.owner_id != owner.id:
        raise NoSuchMessage(number=number)
    if message.state != "passed" or message.reported_at is not None:
        raise NoSuchMessage(number=number)
    MACHINE.move(db, message, "reported", Actor.owner(owner.id), now)
    message.reported_at = now
    db.flush()
    open_second_review(db, message, appeal, now)
    return appeal


def forget_donor(db: Session, user: User, gifts: Sequence[int], now: datetime) -> None:
    """Erase the words of the messages to these gifts of an erased donor, also in notifications, and withdraw them."""
    theirs = select(GiftMessage).where(GiftMessage.pledge_id.in_(gifts)).order_by(GiftMessage.id)
    for message in db.scalars(theirs.with_for_update()).all():
        if (message.state, "withdrawn") in MACHINE.moves:
            by = Actor.owner(user.id)
            end_review(db, MACHINE, message, "withdrawn", by, now, detail="owner_erased")
        message.words = ""
        _clear_notifications(db, message, db.get_one(Appeal, message.appeal_id))
    db.flush()


def forget_family(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Withdraw and erase the messages to an erased owner's appeal.

    The family's notifications are deleted with the conversation.
    """
    for message in db.scalars(select(GiftMessage).where(GiftMessage.appeal_id == appeal.id).with_for_update()).all():
        if message.state in ("submitted", "reported"):
            end_review(db, MACHINE, message, "withdrawn", actor, now, detail="owner_erased")
        message.words = ""
    db.flush()


def _clear_notifications(db: Session, message: GiftMessage, appeal: Appeal) -> None:
    for notice in lock_notified(db, appeal.owner_id, dedupe_key_of(message)):
        if notice.state in UNREAD:
            db.execute(delete(Notification).where(Notification.id == notice.id))
        else:
            notice.facts = json.dumps({**json.loads(notice.facts), "words": "", "name": None}, ensure_ascii=False)
