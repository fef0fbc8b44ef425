"""Erase a person's data: delete what identifies them, keep the rows that the ledger and the audit trail need."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, freeze
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.revision_review import erase_revisions
from models.core.audit_trail import record
from models.core.state_machine import SYSTEM, Actor, By
from models.core.subject import Subject
from models.disbursements.disbursement import DISBURSEMENT, Disbursement
from models.disbursements.payee_change import forget as forget_uses
from models.donors.message_inbox import forget_donor as forget_messages
from models.donors.message_inbox import forget_family
from models.donors.receipt_desk import forget as forget_receipts
from models.donors.recurring_gift import forget as forget_recurring_gifts
from models.giving.pledge import Pledge
from models.goods.exchange import OFFER, REQUEST, GoodsRequest
from models.market.listing import LISTING
from models.notifications.mute import Mute
from models.notifications.notification import Notification
from models.notifications.service_window import ServiceWindow
from models.notifications.subscription import Subscription
from models.outreach.update_review import forget as forget_updates
from models.people.conversation import BrokenSession, Conversation, Turn
from models.people.photo import Photo
from models.people.user import Consent, User
from models.proxy.card import live_card, void_card
from models.proxy.consent_code import void_consent_codes
from models.proxy.mandate import revoke_all_mandates
from models.rights.request import end_requests
from models.speech.consent import forget_consents
from models.speech.voice import forget_voices
from models.staff.member import copy_household_to_seats
from models.staff.task import close_task
from models.subjects import SUBJECTS
from models.support.ticket import Ticket, TicketMessage
from models.verification.case import Verification, withdraw
from models.verification.objection import Objection
from models.verification.visit import Visit


def erase_person(db: Session, conversation_id: int, now: datetime) -> list[int]:
    """Erase name, ID number, phone, story, reasons, pictures, drafts, kept replies and words to staff; keep the sums.

    What they have open is withdrawn; a live appeal is frozen, for the county to decide.
    Returns the ids of photos whose files are to be deleted.
    """
    conversation = db.get(Conversation, conversation_id)
    if conversation is None:
        return []
    user = db.get(User, conversation.user_id) if conversation.user_id else None
    photos = _forget_user(db, user, now) if user else []
    photos += _forget_photos(db, "draft", [conversation_id])
    copy_household_to_seats(db, conversation.account, conversation.openid)
    conversation.user_id = None
    db.flush()
    tickets = select(Ticket.id).where(Ticket.conversation_id == conversation_id)
    db.execute(delete(TicketMessage).where(TicketMessage.ticket_id.in_(tickets)))
    db.execute(
        update(Ticket)
        .where(Ticket.conversation_id == conversation_id)
        .values(state="closed", closed_at=now, about=None)
    )
    db.execute(update(Objection).where(Objection.conversation_id == conversation_id).values(words=""))
    end_requests(db, conversation_id, now)
    forget_voices(db, conversation_id)
    forget_consents(db, conversation_id)
    for theirs in (Notification, ServiceWindow, Subscription, Mute):
        db.execute(delete(theirs).where(theirs.conversation_id == conversation_id))
    db.execute(delete(BrokenSession).where(BrokenSession.conversation_id == conversation_id))
    # Older replies are deleted already (bot.work.sweeps); the bound keeps this from reading a month of turns.
    recent = Turn.received_at > now - timedelta(days=2)
    db.execute(update(Turn).where(recent, Turn.conversation_id == conversation_id).values(reply=None))
    return photos


def _forget_user(db: Session, user: User, now: datetime) -> list[int]:
    # First, in the lock order of decisions (models.verification.case.lock_cases): the case before the user's row.
    withdraw(db, user.id, Actor(By.OWNER, f"user:{user.id}"), now)
    user.name = user.id_number = user.id_hash = user.phone = user.phone_hash = user.display_name = None
    user.region_code = None
    user.state = "erased"
    record(db, at=now, actor=f"user:{user.id}", action="erased", subject="user", subject_id=user.id)
    withdrawn = update(Consent).where(Consent.user_id == user.id, Consent.withdrawn_at.is_(None))
    db.execute(withdrawn.values(withdrawn_at=now))
    _close_appeals(db, user, now)
    _end_proxies(db, user, now)
    cases = select(Verification.id).where(Verification.user_id == user.id)
    db.execute(update(Visit).where(Visit.verification_id.in_(cases)).values(place="{}", assessment="{}", findings=""))
    _remove_donor_name(db, user)
    forget_messages(db, user, now)
    forget_recurring_gifts(db, user, now)
    forget_receipts(db, user, now)
    for subject in (OFFER, REQUEST, LISTING):
        _withdraw(db, user, subject, now)
    db.execute(update(GoodsRequest).where(GoodsRequest.owner_id == user.id).values(reason=""))
    return [
        photo
        for subject in SUBJECTS.values()
        for shown in subject.photos
        for photo in _forget_photos(db, shown, _owned(user, subject))
    ]


def _owned(user: User, subject: Subject) -> Select[Any]:
    theirs = select(subject.table.id).where((subject.parent or subject).owner == user.id)
    if subject.parent:
        theirs = theirs.join(subject.parent.table, subject.parent.table.id == subject.parent_id)
    # Evidence of a disbursement that was paid belongs to the accounts, and stays.
    return theirs.where(Disbursement.paid_at.is_(None)) if subject is DISBURSEMENT else theirs


def _close_appeals(db: Session, user: User, now: datetime) -> None:
    for appeal in db.scalars(select(Appeal).where(Appeal.owner_id == user.id).order_by(Appeal.id).with_for_update()):
        if appeal.state in LIVE:
            freeze(db, appeal, SYSTEM, now, "owner_erased")
        elif (appeal.state, "cancelled") in APPEALS.moves and appeal.state != "frozen":
            APPEALS.move(db, appeal, "cancelled", Actor(By.OWNER, f"user:{user.id}"), now, detail="owner_erased")
            close_task(db, "appeal", appeal.id, now)
        forget_uses(db, appeal, Actor(By.OWNER, f"user:{user.id}"), now)
        erase_revisions(db, appeal, Actor(By.OWNER, f"user:{user.id}"), now)
        forget_family(db, appeal, Actor(By.OWNER, f"user:{user.id}"), now)
        forget_updates(db, appeal, Actor(By.OWNER, f"user:{user.id}"), now)
        appeal.story = ""


def _end_proxies(db: Session, user: User, now: datetime) -> None:
    """Revoke all mandates of the person, and void their consent codes and card."""
    actor = f"user:{user.id}"
    revoke_all_mandates(db, user.id, actor, now)
    void_consent_codes(db, user.id, now)
    card = live_card(db, user.id)
    if card:
        void_card(db, card, actor, "owner_erased", now)


def _remove_donor_name(db: Session, user: User) -> None:
    """Remove the donor's name from unread notifications of their gifts to others."""
    keys = [f"pledged:{pledge}" for pledge in db.scalars(select(Pledge.id).where(Pledge.donor_id == user.id))]
    # Locked: another gift may be joined to a waiting notification at this moment.
    for notice in db.scalars(select(Notification).where(Notification.dedupe_key.in_(keys)).with_for_update()):
        notice.facts = json.dumps({**json.loads(notice.facts), "name": None}, ensure_ascii=False)


def _withdraw(db: Session, user: User, subject: Subject, now: datetime) -> None:
    for thing in db.scalars(select(subject.table).where(subject.owner == user.id).with_for_update()):
        if subject.machine and (thing.state, "withdrawn") in subject.machine.moves:
            by = Actor(By.OWNER, f"user:{user.id}")
            subject.machine.move(db, thing, "withdrawn", by, now, detail="owner_erased")
            close_task(db, subject.name, thing.id, now)


def _forget_photos(db: Session, subject: str, ids: Any) -> list[int]:
    """Mark the photos as ``gone``, and return the ids of those that have a file."""
    theirs = (Photo.subject == subject) & Photo.subject_id.in_(ids)
    found = list(db.scalars(select(Photo.id).where(theirs, Photo.path.is_not(None))))
    db.execute(update(Photo).where(theirs).values(state="gone", media_id="", pic_url=""))
    return found
