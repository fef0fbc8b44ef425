"""Let an erased person speak for no organisation any longer."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.core.state_machine import SYSTEM
from models.organisations.application import withdraw
from models.organisations.organisation import Organisation, get_organisation
from models.organisations.representative import Representative, decline, end_term, on_vacated
from models.staff.task import close_task


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """End the terms, and withdraw what waits for the county. The organisation stays, for who comes next."""
    open_ones = (Representative.user_id == leaver.user_id) & Representative.state.in_(("proposed", "in_office"))
    organisations = select(Representative.organisation_id).where(open_ones).distinct()
    for number in db.scalars(organisations.order_by(Representative.organisation_id)).all():
        organisation = get_organisation(db, number, lock=True)
        for person in db.scalars(select(Representative).where(open_ones, Representative.organisation_id == number)):
            if person.state == "in_office":
                end_term(db, person, SYSTEM, leaver.now, ERASED)
                on_vacated(db, organisation, leaver.now)
            else:
                decline(db, person, SYSTEM, leaver.now)
                close_task(db, "organisation", number, leaver.now)
        _withdraw_new(db, organisation, leaver)
    db.flush()


def _withdraw_new(db: Session, organisation: Organisation, leaver: Leaver) -> None:
    if organisation.state == "applied":
        withdraw(db, organisation.id, SYSTEM, leaver.now)
