"""Agree to an appeal's public page for a resident by their mandate, after the page was read to them; close it, too.

The agreement is read back to the resident and undone when they deny it. An officer agrees once for a page: afterwards
its owner alone does, for they have answered already.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, NoSuchAppeal, get_appeal
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.people.user import User
from models.proxy.act import ActFacts, record_proxy_act
from models.proxy.mandate import PAGE, Mandate, ProxyAct, live_mandate, record_mandate_event
from models.public import appeal_page
from models.public.appeal_page import SUBJECT, LookFirst, NoPage, find_page, is_agreed, may_have_page
from models.staff.member import Staff

MOST = 5


class AgreedBefore(Refusal):
    """An officer has agreed to this page by a mandate already: from then on its owner alone may."""

    code = "page_agreed_before"


def pages_of(db: Session, mandate: Mandate, now: datetime) -> Sequence[Appeal]:
    """List the resident's newest appeals that may have a page."""
    theirs = select(Appeal).join(User, User.id == Appeal.owner_id).where(Appeal.owner_id == mandate.user_id)
    return db.scalars(theirs.where(may_have_page(now)).order_by(Appeal.id.desc()).limit(MOST)).all()


def may_read_to(db: Session, staff: Staff | None, number: int, now: datetime) -> bool:
    """Tell whether this officer may read the page to its owner: they hold a live mandate for it."""
    appeal = db.get(Appeal, number)
    if staff is None or appeal is None:
        return False
    return live_mandate(db, appeal.owner_id, staff.id, PAGE, now) is not None


def check_agreeable(db: Session, mandate: Mandate, number: int, now: datetime) -> Appeal:
    """Return the resident's appeal whose page may be agreed to. Raises NoSuchAppeal, PageNotNow or AgreedBefore."""
    appeal = _owned(db, mandate, number)
    appeal_page.check_can_have_page(db, appeal, now)
    if _act_of(db, number) is not None and not is_agreed(find_page(db, number)):
        raise AgreedBefore(number=number)
    return appeal


def agree_for(db: Session, staff: Staff, mandate: Mandate, number: int, now: datetime) -> None:
    """Agree for the resident. The caller has locked the mandate. Raises as ``check_agreeable`` does, or LookFirst."""
    appeal = check_agreeable(db, mandate, number, now)
    page = find_page(db, number, lock=True)
    if page is None:
        raise LookFirst(number=number)
    if is_agreed(page):
        return
    appeal_page.agree(db, number, staff.actor, now)
    record_proxy_act(db, mandate, staff, SUBJECT, number, appeal.title, now)


def close_for(db: Session, staff: Staff, mandate: Mandate, number: int, now: datetime) -> None:
    """Close the page at the resident's word. The caller has locked the mandate. Raises NoSuchAppeal or NoPage."""
    _owned(db, mandate, number)
    appeal_page.close(db, number, staff.actor, now)
    record_mandate_event(db, mandate, staff.actor.name, "used", f"{SUBJECT}:{number}", now)


def is_unconfirmed_page(db: Session, number: int) -> bool:
    """Tell whether an officer agreed to the appeal's page and its owner has not confirmed it."""
    act = _act_of(db, number)
    return act is not None and act.confirmed_at is None


def read_back(db: Session, number: int) -> ActFacts:
    """Return which appeal's page was agreed to, and whether the agreement stands."""
    appeal = get_appeal(db, number)
    facts = {"number": appeal.id, "title": appeal.title, "open": is_agreed(find_page(db, number))}
    return ActFacts(appeal.region_code, facts)


def undo(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Close the page that its owner denies; one that is closed stays so."""
    try:
        appeal_page.close(db, number, owner, now)
    except NoPage:
        return


def _owned(db: Session, mandate: Mandate, number: int) -> Appeal:
    appeal = get_appeal(db, number)
    if appeal.owner_id != mandate.user_id:
        raise NoSuchAppeal(number=number)
    return appeal


def _act_of(db: Session, number: int) -> ProxyAct | None:
    return db.scalar(select(ProxyAct).where(ProxyAct.subject == SUBJECT, ProxyAct.subject_id == number))
