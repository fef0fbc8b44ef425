"""Proxy acts: officers record what they do by mandate, and the resident confirms or denies it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.encryption import keyring
from models.core.hooks import Registry
from models.core.paging import Page, page_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.notifications.notify import notify_user
from models.people.photo import Photo
from models.people.user import User, find_by_id_number, kept_for_another
from models.places.region import Region, county_of
from models.proxy.card import Card
from models.proxy.mandate import ACTED, SUBJECTS, Mandate, NoMandate, ProxyAct, record_mandate_event, revoke_mandate
from models.staff.conflict_of_interest import Conflict, conflicts_with
from models.staff.member import Staff, all_seats_of, notify_staff
from models.staff.number_search import ONLY_TYPED, demand_may_type, record_typed
from models.staff.task import find_task, recuse

_MOST_NOTIFIED = 20


class OwnPeople(Refusal):
    """The officer has a conflict with the resident: same household, kin or payee. A colleague has to act."""

    code = "own_people"
    step = "id_number"


class NotForProxy(Refusal):
    """Nobody can be registered with this ID number now. Says nothing of who has it, and where."""

    code = "not_for_proxy"
    step = "id_number"


class NobodyHere(Refusal):
    """The officer's region has no resident with this ID number. Says nothing about other regions."""

    code = "nobody_here"
    step = "id_number"


class OutsideSeat(Refusal):
    """The home is outside the officer's region, which ``region`` names; officers act only for residents of it."""

    code = "outside_seat"
    step = "home"


class NoSuchAct(Refusal):
    """No act of this number was done for this resident, or the resident has answered it already."""

    code = "no_such_act"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One proxy act in full, shown only to the resident. ``facts``: what the template needs of its subject."""

    number: int
    subject: str
    at: datetime
    role: str
    work_no: str
    kind: str
    place: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActFacts:
    """The facts of one act, as ``Act.read_back`` returns them, and its region (None: no region known)."""

    region_code: str | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActKind:
    """How one subject is read back and undone: both take its number. ``undo`` runs when the resident denies the act."""

    read_back: Callable[[Session, int], ActFacts]
    undo: Callable[[Session, int, Actor, datetime], None]


ACTS: Registry[ActKind] = Registry("proxy.act.ACTS", SUBJECTS)


def search_resident(db: Session, staff: Staff, id_number: str, now: datetime) -> User:
    """Find the active resident by an ID number that the officer typed; the number is counted and recorded.

    Not to be called where a refusal rolls back. Raises TooManyNumbersTyped, NobodyHere or OwnPeople.
    """
    demand_may_type(db, staff, now)
    try:
        user = find_resident(db, staff, id_number)
    except Refusal:
        record_typed(db, staff, find_by_id_number(db, id_number), ONLY_TYPED, now)
        raise
    record_typed(db, staff, user, "proxy", now)
    return user


def find_resident(db: Session, staff: Staff, id_number: str) -> User:
    """Find the resident whom ``search_resident`` found, as they are now. Raises NobodyHere or OwnPeople."""
    user = find_by_id_number(db, id_number)
    known = user is not None and user.role == "resident" and user.state == "active"
    if user is None or not known or not staff.covers(user.region_code or ""):
        raise NobodyHere
    if staff.id in conflicts_with(db, user.household_id):
        raise OwnPeople
    return user


def check_newcomer(db: Session, staff: Staff, id_number: str, now: datetime) -> None:
    """Check an ID number that the officer typed to register its person; it is counted and recorded.

    Not to be called where a refusal rolls back. Raises TooManyNumbersTyped, OwnPeople or NotForProxy.
    """
    demand_may_type(db, staff, now)
    user = find_by_id_number(db, id_number)
    record_typed(db, staff, user, ONLY_TYPED, now)
    check_no_conflict(db, staff, id_number)
    if user or kept_for_another(db, id_number, None, now):
        raise NotForProxy


def check_no_conflict(db: Session, staff: Staff, id_number: str) -> None:
    """Check that the officer declared no conflict with this ID number (not registered yet). Raises OwnPeople."""
    declared = (Conflict.staff_id == staff.id) & Conflict.withdrawn_at.is_(None)
    hashes = keyring().lookup_hashes(id_number, "id_number")
    if db.scalar(select(Conflict.id).where(declared, Conflict.id_hash.in_(hashes)).limit(1)):
        raise OwnPeople


def record_proxy_act(
    db: Session, mandate: Mandate, staff: Staff, subject: str, number: int, title: str, now: datetime
) -> ProxyAct:
    """Record a proxy act by this mandate, recuse the officer from its open task, and notify the resident.

    Returns the earlier act if one of this subject and number exists. ``title``: the appeal's title, or what is asked
    for; else empty. Raises NoMandate if the mandate has ended or belongs to another officer.
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
    record_mandate_event(db, mandate, staff.actor.name, "used", f"{subject}:{number}", now)
    task = find_task(db, subject, number)
    if task:
        recuse(db, task, staff, ACTED, now)
    facts = {"subject": subject, "number": number, "title": title, "work_no": staff.work_no}
    _notify_owner(db, mandate, facts, f"proxy_acted:{act.id}", now)
    return act


def record_resubmission(db: Session, mandate: Mandate, staff: Staff, number: int, title: str, now: datetime) -> None:
    """Record that an appeal written by mandate was handed in again, and ask the resident to confirm it again.

    An earlier confirmation or denial is cleared. Raises NoMandate.
    """
    act = record_proxy_act(db, mandate, staff, "appeal", number, title, now)
    if act.at == now and act.mandate_id == mandate.id:
        return
    act.mandate_id, act.at, act.confirmed_at, act.denied_at = mandate.id, now, None, None
    db.flush()
    record_mandate_event(db, mandate, staff.actor.name, "used", f"appeal:{number}", now)
    task = find_task(db, "appeal", number)
    if task:
        recuse(db, task, staff, ACTED, now)
    facts = {"subject": "appeal", "number": number, "title": title, "work_no": staff.work_no}
    key = f"proxy_acted:{act.id}:{int(now.timestamp())}"
    _notify_owner(db, mandate, facts, key, now)


def notify_writer(db: Session, number: int, facts: dict[str, Any], key: str, now: datetime) -> None:
    """Notify the officer who wrote the appeal by mandate, so that they inform an owner without WeChat."""
    wrote = select(Mandate.staff_id).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    staff_id = db.scalar(wrote.where(ProxyAct.subject == "appeal", ProxyAct.subject_id == number))
    staff = db.get(Staff, staff_id) if staff_id else None
    if staff and staff.state == "active":
        notify_staff(db, staff, "proxied_appeal_moved", facts, key, now, ("appeal", number))


def request_new_sheet(db: Session, photo_id: int, now: datetime) -> None:
    """Ask the officer for a new photo when the photo of a signed sheet that was already used is lost."""
    photo = db.get_one(Photo, photo_id)
    mandate = db.get(Mandate, photo.subject_id) if photo.subject == "mandate" else None
    used = (ProxyAct.user_id == mandate.user_id) & (ProxyAct.mandate_id == mandate.id) if mandate else None
    if mandate is None or used is None or db.scalar(select(ProxyAct.id).where(used).limit(1)) is None:
        return
    staff, user = db.get_one(Staff, mandate.staff_id), db.get_one(User, mandate.user_id)
    notify_staff(
        db, staff, "sheet_lost", {"name": user.masked_name}, f"sheet_lost:{mandate.id}", now, ("mandate", mandate.id)
    )


def unanswered_acts(db: Session, user_id: int) -> list[ProxyAct]:
    """List the acts that the resident has neither confirmed nor denied, the oldest first."""
    open_ones = ProxyAct.confirmed_at.is_(None) & ProxyAct.denied_at.is_(None)
    return list(db.scalars(select(ProxyAct).where(ProxyAct.user_id == user_id, open_ones).order_by(ProxyAct.id)))


def acts_of(db: Session, user_id: int, before: int | None, most: int) -> Page[ProxyAct]:
    """List all proxy acts for a resident, the newest first; ``before``: only those below this number."""
    theirs = select(ProxyAct).where(ProxyAct.user_id == user_id)
    if before:
        theirs = theirs.where(ProxyAct.id < before)
    found = db.scalars(theirs.order_by(ProxyAct.id.desc()).limit(most + 1)).all()
    return page_of(found, most, lambda act: act.id)


def read_back(db: Session, act: ProxyAct) -> ReadBack:
    """Read one act back in full. Callers show it only to the resident it was done for."""
    mandate = db.get_one(Mandate, act.mandate_id)
    staff = db.get_one(Staff, mandate.staff_id)
    what = ACTS[act.subject].read_back(db, act.subject_id)
    region = db.get(Region, what.region_code) if what.region_code else None
    return ReadBack(
        number=act.id,
        subject=act.subject,
        at=act.at,
        role=staff.role,
        work_no=staff.work_no,
        kind=mandate.kind,
        place=region.full_name if region else "",
        facts=what.values,
    )


def read_registration(db: Session, number: int) -> ActFacts:
    """Read back a registration: the masked name and the last four places of the ID number and phone."""
    user = db.get_one(User, number)
    id_number, phone = user.id_number or "", user.phone
    tails = {"id_tail": id_number[-4:], "phone_tail": phone[-4:] if phone else None}
    return ActFacts(user.region_code, {"name": user.masked_name, **tails})


def confirm_act(db: Session, user_id: int, number: int, now: datetime) -> ProxyAct:
    """Confirm an act as the resident for whom it was done. Locks the act. Raises NoSuchAct."""
    act = _lock(db, user_id, number)
    act.confirmed_at = now
    db.flush()
    mandate = db.get_one(Mandate, act.mandate_id)
    record_mandate_event(db, mandate, f"user:{user_id}", "confirmed", _subject_of(act), now)
    printed = select(Card.issued_by).where(Card.user_id == user_id, Card.bound_at.is_not(None))
    if mandate.staff_id in all_seats_of(db, db.scalars(printed.order_by(Card.id.desc()).limit(1))):
        # The officer of the act also issued the card that bound this WeChat: they may have confirmed it themselves.
        _notify_county(db, act, mandate, "proxy_own_card", now)
    return act


def deny_act(db: Session, user_id: int, number: int, now: datetime) -> ProxyAct:
    """Deny an act as the resident: undo it, revoke its mandate and notify the county officers.

    An appeal under review is cancelled; one that takes money is frozen. Locks the act. Raises NoSuchAct.
    """
    act = _lock(db, user_id, number)
    act.denied_at = now
    db.flush()
    mandate = db.get_one(Mandate, act.mandate_id)
    owner = Actor.owner(user_id)
    record_mandate_event(db, mandate, owner.name, "denied", _subject_of(act), now)
    revoke_mandate(db, mandate, owner.name, now)
    ACTS[act.subject].undo(db, act.subject_id, owner, now)
    _notify_county(db, act, mandate, "proxy_denied", now)
    return act


def _notify_county(db: Session, act: ProxyAct, mandate: Mandate, template: str, now: datetime) -> None:
    """Notify the county officers of the act's officer (at most 20), who may have acted without consent."""
    officer = db.get_one(Staff, mandate.staff_id)
    county = county_of(officer.region_code)
    seats = select(Staff).where(Staff.role == By.COUNTY, Staff.region_code == county, Staff.state == "active")
    facts = {"subject": act.subject, "number": act.subject_id, "work_no": officer.work_no}
    for staff in db.scalars(seats.order_by(Staff.id).limit(_MOST_NOTIFIED)):
        notify_staff(db, staff, template, facts, f"{template}:{act.id}", now, (act.subject, act.subject_id))


def _notify_owner(db: Session, mandate: Mandate, facts: dict[str, Any], key: str, now: datetime) -> None:
    notify_user(db, mandate.user_id, "proxy_acted", facts, key, now, (facts["subject"], facts["number"]))


def _lock(db: Session, user_id: int, number: int) -> ProxyAct:
    found = select(ProxyAct).where(ProxyAct.id == number, ProxyAct.user_id == user_id).with_for_update()
    act = db.scalar(found.execution_options(populate_existing=True))
    if act is None or act.confirmed_at or act.denied_at:
        raise NoSuchAct
    return act


def _subject_of(act: ProxyAct) -> str:
    return f"{act.subject}:{act.subject_id}"
