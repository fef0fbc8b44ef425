"""End the terms of those who speak for organisations, the day after their last; remind them a month before."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.state_machine import SYSTEM
from models.notifications.notify import notify_user
from models.organisations.organisation import SUBJECT, Organisation, get_organisation
from models.organisations.representative import Representative, end_term, on_vacated

REMINDED_BEFORE = timedelta(days=30)
_MOST = 200


def due_terms(db: Session, now: datetime) -> list[int]:
    """List the organisations whose representative's term is over, or is soon and nobody has reminded them."""
    today = now.astimezone(CHINA).date()
    over = Representative.until < today
    soon = (Representative.until < today + REMINDED_BEFORE) & Representative.reminded_at.is_(None)
    due = select(Representative.organisation_id).where(Representative.state == "in_office", over | soon)
    return list(db.scalars(due.order_by(Representative.until, Representative.id).limit(_MOST)))


def end_or_remind(db: Session, organisation_id: int, now: datetime) -> bool:
    """End the term where it is over, else remind whose it is, once; tells whether anything was to be done."""
    organisation, today = get_organisation(db, organisation_id, lock=True), now.astimezone(CHINA).date()
    theirs = (Representative.organisation_id == organisation_id) & (Representative.state == "in_office")
    person = db.scalar(select(Representative).where(theirs))
    if person is None or person.until >= today + REMINDED_BEFORE:
        return False
    if person.until < today:
        end_term(db, person, SYSTEM, now, "term_over")
        on_vacated(db, organisation, now)
        _tell(db, organisation, person, "over", now)
        return True
    if person.reminded_at is None:
        person.reminded_at = now
        db.flush()
        _tell(db, organisation, person, "soon", now)
        return True
    return False


def _tell(db: Session, organisation: Organisation, person: Representative, what: str, now: datetime) -> None:
    facts = {"name": organisation.name, "what": what, "until": person.until.isoformat()}
    key = f"term:{person.id}:{what}"
    notify_user(db, person.user_id, "term_ends", facts, key, now, (SUBJECT, organisation.id))
