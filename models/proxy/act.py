"""What is done by mandate, and what its owner says when it is read back to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal, BudgetLine, freeze
from models.core.audit_trail import record_reading
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By
from models.notifications.notification import tell
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User, find_by_number
from models.places.region import Region
from models.proxy.card import Card
from models.proxy.mandate import ACTED, Mandate, NoMandate, ProxyAct, note, revoke
from models.staff.conflict_of_interest import Tie, tied_to
from models.staff.member import Staff, same_people, tell_staff
from models.staff.task import close_task, find_task, recuse
from models.verification.case import withdraw

MOST_LINES = 5
_MOST_TOLD = 20


class OwnPeople(Refusal):
    """The officer's own household, kin, or whose money they receive: a colleague has to do it."""

    code = "own_people"
    step = "id_number"


class NobodyHere(Refusal):
    """No resident of this number in the officer's region: whether there is one elsewhere stays unsaid."""

    code = "nobody_here"
    step = "id_number"


class OutsideSeat(Refusal):
    """Officers act for people of their own region alone; ``region`` names it."""

    code = "outside_seat"
    step = "home"


class NoSuchAct(Refusal):
    """Nothing of that number was done in this person's name, or they have answered."""

    code = "no_such_act"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One act in full, for its owner alone. Of an appeal ``appeal`` and ``budget``; of a registration ``user``."""

    number: int
    subject: str
    at: datetime
    role: str
    work_no: str
    kind: str
    appeal: Appeal | None = None
    user: User | None = None
    place: str = ""
    budget: Sequence[tuple[str, int]] = ()


def find_for(db: Session, staff: Staff, id_number: str, now: datetime) -> User:
    """The resident for whom this officer may act; the look is recorded. Raises NobodyHere or OwnPeople."""
    user = find_by_number(db, id_number)
    known = user is not None and user.role == "resident" and user.state == "active"
    if user is None or not known or not staff.covers(user.region_code or ""):
        raise NobodyHere
    if staff.id in tied_to(db, user.household_id):
        raise OwnPeople
    actor = staff.actor.name
    record_reading(
        db,
        at=now,
        actor=actor,
        subject="user",
        subject_id=user.id,
        purpose="proxy",
        about=user.id,
    )
    return user


def check_no_tie(db: Session, staff: Staff, id_number: str) -> None:
    """Of somebody who is not registered yet. Raises OwnPeople."""
    declared = (Tie.staff_id == staff.id) & Tie.withdrawn_at.is_(None)
    hashes = keyring().lookup_hashes(id_number, "id_number")
    if db.scalar(select(Tie.id).where(declared, Tie.id_hash.in_(hashes)).limit(1)):
        raise OwnPeople


def use(db: Session, mandate: Mandate, staff: Staff, subject: str, number: int, title: str, now: datetime) -> ProxyAct:
    """Write down what was just done by this consent. Its doer has no say about it, and its owner is to hear it.

    Raises NoMandate. ``title``: of an appeal.
    """
    ended = mandate.revoked_at is not None or mandate.expires_at <= now
    if ended or mandate.staff_id != staff.id:
        raise NoMandate
    done = (ProxyAct.subject == subject) & (ProxyAct.subject_id == number)
    earlier = db.scalar(select(ProxyAct).where(done))
    if earlier:
        return earlier
    act = ProxyAct(mandate_id=mandate.id, user_id=mandate.user_id, subject=subject, subject_id=number, at=now)
    db.add(act)
    db.flush()
    note(db, mandate, staff.actor.name, "used", f"{subject}:{number}", now)
    task = find_task(db, subject, number)
    if task:
        recuse(db, task, staff, ACTED, now)
    facts = {"subject": subject, "number": number, "title": title, "work_no": staff.work_no}
    _tell_owner(db, mandate, facts, f"proxy_acted:{act.id}", now)
    return act


def use_again(db: Session, mandate: Mandate, staff: Staff, number: int, title: str, now: datetime) -> None:
    """An appeal that was written by consent is written anew by one: its owner is to hear it anew, whatever they said.

    Raises NoMandate.
    """
    act = use(db, mandate, staff, "appeal", number, title, now)
    if act.at == now and act.mandate_id == mandate.id:
        return
    act.mandate_id, act.at, act.confirmed_at, act.denied_at = mandate.id, now, None, None
    db.flush()
    note(db, mandate, staff.actor.name, "used", f"appeal:{number}", now)
    task = find_task(db, "appeal", number)
    if task:
        recuse(db, task, staff, ACTED, now)
    facts = {"subject": "appeal", "number": number, "title": title, "work_no": staff.work_no}
    key = f"proxy_acted:{act.id}:{int(now.timestamp())}"
    _tell_owner(db, mandate, facts, key, now)


def tell_writer(db: Session, number: int, facts: dict[str, Any], key: str, now: datetime) -> None:
    """What became of an appeal, to the officer who wrote it for somebody without a WeChat, to pass on."""
    wrote = select(Mandate.staff_id).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    staff_id = db.scalar(wrote.where(ProxyAct.subject == "appeal", ProxyAct.subject_id == number))
    staff = db.get(Staff, staff_id) if staff_id else None
    if staff and staff.state == "active":
        tell_staff(db, staff, "proxied_appeal_moved", facts, key, now, ("appeal", number))


def sheet_lost(db: Session, photo_id: int, now: datetime) -> None:
    """A photo that cannot be had: if it was of a signed sheet that was used, its officer is to take another."""
    photo = db.get_one(Photo, photo_id)
    mandate = db.get(Mandate, photo.subject_id) if photo.subject == "mandate" else None
    used = (ProxyAct.user_id == mandate.user_id) & (ProxyAct.mandate_id == mandate.id) if mandate else None
    if mandate is None or used is None or db.scalar(select(ProxyAct.id).where(used).limit(1)) is None:
        return
    staff, user = db.get_one(Staff, mandate.staff_id), db.get_one(User, mandate.user_id)
    tell_staff(
        db, staff, "sheet_lost", {"name": user.masked_name}, f"sheet_lost:{mandate.id}", now, ("mandate", mandate.id)
    )


def unanswered(db: Session, user_id: int) -> list[ProxyAct]:
    """What the person has not yet said yes or no to, the oldest first."""
    open_ones = ProxyAct.confirmed_at.is_(None) & ProxyAct.denied_at.is_(None)
    return list(db.scalars(select(ProxyAct).where(ProxyAct.user_id == user_id, open_ones).order_by(ProxyAct.id)))


def acts_of(db: Session, user_id: int, before: int | None, most: int) -> list[ProxyAct]:
    """Everything done in somebody's name, the newest first."""
    theirs = select(ProxyAct).where(ProxyAct.user_id == user_id)
    if before:
        theirs = theirs.where(ProxyAct.id < before)
    return list(db.scalars(theirs.order_by(ProxyAct.id.desc()).limit(most)))


def read_back(db: Session, act: ProxyAct) -> ReadBack:
    """For the act's own owner."""
    mandate = db.get_one(Mandate, act.mandate_id)
    staff = db.get_one(Staff, mandate.staff_id)
    what: dict[str, Any] = {}
    if act.subject == "appeal":
        appeal = db.get_one(Appeal, act.subject_id)
        lines = select(BudgetLine).where(BudgetLine.appeal_id == appeal.id).order_by(BudgetLine.amount_fen.desc())
        what = {"appeal": appeal, "budget": [(line.item, line.amount_fen) for line in db.scalars(lines)]}
        code: str | None = appeal.region_code
    else:
        user = db.get_one(User, act.subject_id)
        what, code = {"user": user}, user.region_code
    region = db.get(Region, code) if code else None
    return ReadBack(
        number=act.id,
        subject=act.subject,
        at=act.at,
        role=staff.role,
        work_no=staff.work_no,
        kind=mandate.kind,
        place=region.full_name if region else "",
        **what,
    )


def confirm_act(db: Session, user_id: int, number: int, now: datetime) -> ProxyAct:
    """It is what they want. Nobody but the person it was done for can say so. Raises NoSuchAct."""
    act = _lock(db, user_id, number)
    act.confirmed_at = now
    db.flush()
    mandate = db.get_one(Mandate, act.mandate_id)
    note(db, mandate, f"user:{user_id}", "confirmed", _named(act), now)
    printed = select(Card.issued_by).where(Card.user_id == user_id, Card.bound_at.is_not(None))
    if mandate.staff_id in same_people(db, db.scalars(printed.order_by(Card.id.desc()).limit(1))):
        # Whoever holds that WeChat, it was this officer who handed out the way to it.
        _tell_county(db, act, mandate, "proxy_own_card", now)
    return act


def deny_act(db: Session, user_id: int, number: int, now: datetime) -> ProxyAct:
    """It is not: what is under review is taken back, what takes money stops, the consent ends, the county hears of it.

    Raises NoSuchAct.
    """
    act = _lock(db, user_id, number)
    act.denied_at = now
    db.flush()
    mandate = db.get_one(Mandate, act.mandate_id)
    owner = Actor(By.OWNER, f"user:{user_id}")
    note(db, mandate, owner.name, "denied", _named(act), now)
    revoke(db, mandate, owner.name, now)
    if act.subject == "appeal":
        _undo_appeal(db, act.subject_id, owner, now)
    else:
        withdraw(db, user_id, owner, now)
    _tell_county(db, act, mandate, "proxy_denied", now)
    return act


def _undo_appeal(db: Session, number: int, owner: Actor, now: datetime) -> None:
    appeal = db.get_one(Appeal, number, with_for_update=True, populate_existing=True)
    if appeal.state in LIVE:
        freeze(db, appeal, SYSTEM, now, "denied_by_owner")
    elif owner.by in MACHINE.moves.get((appeal.state, "cancelled"), ()):
        MACHINE.move(db, appeal, "cancelled", owner, now, detail="denied_by_owner")
        close_task(db, "appeal", number, now)
    db.flush()


def _tell_county(db: Session, act: ProxyAct, mandate: Mandate, template: str, now: datetime) -> None:
    """Every county officer of the place: somebody under them may have acted without consent."""
    officer = db.get_one(Staff, mandate.staff_id)
    county = f"{officer.region_code[:6]}000000"
    seats = select(Staff).where(Staff.role == By.COUNTY, Staff.region_code == county, Staff.state == "active")
    facts = {"subject": act.subject, "number": act.subject_id, "work_no": officer.work_no}
    for staff in db.scalars(seats.order_by(Staff.id).limit(_MOST_TOLD)):
        tell_staff(db, staff, template, facts, f"{template}:{act.id}", now, (act.subject, act.subject_id))


def _tell_owner(db: Session, mandate: Mandate, facts: dict[str, Any], key: str, now: datetime) -> None:
    about = ("appeal", facts["number"]) if facts["subject"] == "appeal" else ("user", mandate.user_id)
    for person in db.scalars(select(Conversation.id).where(Conversation.user_id == mandate.user_id)):
        tell(db, person, "proxy_acted", facts, f"{key}:{person}", now, about)


def _lock(db: Session, user_id: int, number: int) -> ProxyAct:
    found = select(ProxyAct).where(ProxyAct.id == number, ProxyAct.user_id == user_id).with_for_update()
    act = db.scalar(found.execution_options(populate_existing=True))
    if act is None or act.confirmed_at or act.denied_at:
        raise NoSuchAct
    return act


def _named(act: ProxyAct) -> str:
    return f"{act.subject}:{act.subject_id}"
