"""Keep who speaks for an organisation, each for a term: one person at a time, whom the county confirmed.

proposed → in_office    by the county; whoever was in office before is ended by it
proposed → declined     by the county, or with the application
in_office → ended       a successor came, the term is over, or the person is erased
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.organisations.organisation import (
    ORGANISATION,
    SELLERS,
    Organisation,
    SellsNothing,
    check_confirmed,
    organisation_of,
)
from models.people.family_member import belongs_to
from models.people.user import User

SUBJECT = "representative"
_COUNTY = frozenset({By.COUNTY})
MACHINE = Machine(
    SUBJECT,
    {
        ("proposed", "in_office"): _COUNTY,
        ("proposed", "declined"): frozenset({By.COUNTY, By.OWNER, By.SYSTEM}),
        ("in_office", "ended"): frozenset({By.COUNTY, By.SYSTEM}),
    },
)

# The organisation, the user who speaks for it from now on, now: what is open in its name becomes theirs.
on_succeeded: Hook[[Session, Organisation, int, datetime], None] = Hook("organisations.representative.on_succeeded")
# Called when a term has ended and nobody speaks for the organisation any more: nothing new is sold in its name.
on_vacated: Hook[[Session, Organisation, datetime], None] = Hook("organisations.representative.on_vacated")


class TermOver(Refusal):
    """The person's term at the organisation (``name``) is over."""

    code = "term_over"


class Representative(Base):
    """A person who speaks, or asks to speak, for an organisation. ``until``: the last day of the term, in China."""

    __tablename__ = "representatives"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    until: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(12), default="proposed")
    asked_at: Mapped[datetime]
    since: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint("state NOT IN ('in_office', 'ended') OR since IS NOT NULL", name="in_office_is_dated"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('proposed', 'in_office'))", name="ended_is_dated"),
        Index(
            "uq_representatives_proposed", "organisation_id", unique=True, postgresql_where=text("state = 'proposed'")
        ),
        Index(
            "uq_representatives_in_office", "organisation_id", unique=True, postgresql_where=text("state = 'in_office'")
        ),
        Index("ix_representatives_organisation", "organisation_id", "id"),
        Index("ix_representatives_until", "until", postgresql_where=text("state = 'in_office'")),
    )


REPRESENTATIVE = Subject(
    SUBJECT,
    Representative,
    MACHINE,
    begins=("proposed",),
    parent=ORGANISATION,
    parent_id=Representative.organisation_id,
)


def represented_by(db: Session, user_id: int | None) -> Sequence[Organisation]:
    """List the confirmed organisations for which the person speaks, the oldest first."""
    theirs = (Representative.user_id == user_id) & (Representative.state == "in_office")
    found = select(Organisation).join(Representative, Representative.organisation_id == Organisation.id)
    found = found.where(theirs, Organisation.state == "confirmed")
    return db.scalars(found.order_by(Organisation.id)).all()


def in_office(db: Session, organisation_id: int) -> Representative | None:
    """Return who speaks for the organisation; None once the term is over (models.organisations.terms)."""
    theirs = (Representative.organisation_id == organisation_id) & (Representative.state == "in_office")
    return db.scalar(select(Representative).where(theirs))


def proposed_for(db: Session, organisation_id: int) -> Representative | None:
    """Return who asks to speak for the organisation."""
    theirs = (Representative.organisation_id == organisation_id) & (Representative.state == "proposed")
    return db.scalar(select(Representative).where(theirs))


def check_in_office(db: Session, household_id: int, user_id: int | None) -> None:
    """Check of an organisation's household that the person speaks for it; a family's passes. Raises TermOver."""
    organisation = organisation_of(db, household_id)
    if organisation is None:
        return
    person = in_office(db, organisation.id)
    if person is None or person.user_id != user_id:
        raise TermOver(name=organisation.name, ways=(("succeed", str(organisation.id)),))


def ever_of(db: Session, organisation_id: int) -> set[int]:
    """Return the ids of all users who speak, spoke or ask to speak for the organisation."""
    theirs = select(Representative.user_id).where(
        Representative.organisation_id == organisation_id, Representative.state != "declined"
    )
    return set(db.scalars(theirs))


def check_may_ask_for(db: Session, organisation: Organisation, user_id: int) -> None:
    """Check that it is confirmed and the person speaks for it. Raises OrganisationNotConfirmed or TermOver."""
    check_confirmed(organisation)
    check_in_office(db, organisation.household_id, user_id)


def check_may_sell_for(db: Session, organisation: Organisation, user_id: int) -> None:
    """Check as ``check_may_ask_for``, and that one of its kind sells. Raises also SellsNothing."""
    check_may_ask_for(db, organisation, user_id)
    if organisation.kind not in SELLERS:
        raise SellsNothing(name=organisation.name, kind=organisation.kind)


def take_office(db: Session, person: Representative, organisation: Organisation, actor: Actor, now: datetime) -> None:
    """Let the proposed person speak from now on, in place of who did. The caller holds the organisation."""
    before = in_office(db, organisation.id)
    if before:
        end_term(db, before, actor, now, "succeeded")
    MACHINE.move(db, person, "in_office", actor, now)
    person.since = now
    db.flush()
    on_succeeded(db, organisation, person.user_id, now)


def decline(db: Session, person: Representative, actor: Actor, now: datetime) -> None:
    """Turn down who asks to speak. The caller holds the organisation."""
    person.ended_at = now
    MACHINE.move(db, person, "declined", actor, now)
    db.flush()


def is_in_its_household(db: Session, organisation: Organisation, user: User) -> bool:
    """Tell whether the person is of the family of who speaks for the organisation, or speaks for it themselves."""
    person = in_office(db, organisation.id)
    speaker = db.get(User, person.user_id) if person else None
    return speaker is not None and (speaker.id == user.id or belongs_to(db, user, speaker.household_id))


def spoken_for_by(db: Session, homes: Collection[int]) -> set[int]:
    """Return the organisations' rows of households for which people of these households speak."""
    return {row for rows in spoken_for_by_each(db, homes).values() for row in rows}


def spoken_for_by_each(db: Session, homes: Collection[int]) -> dict[int, set[int]]:
    """Map those of these households of which somebody speaks for organisations to these rows of households."""
    found = select(User.household_id, Organisation.household_id).select_from(Representative)
    found = found.join(Organisation, Organisation.id == Representative.organisation_id)
    found = found.join(User, User.id == Representative.user_id)
    theirs: dict[int, set[int]] = {}
    for home, row in db.execute(found.where(Representative.state == "in_office", User.household_id.in_(homes))):
        theirs.setdefault(int(home or 0), set()).add(row)
    return theirs


def end_term(db: Session, person: Representative, actor: Actor, now: datetime, detail: str) -> None:
    person.ended_at = now
    MACHINE.move(db, person, "ended", actor, now, detail)
    db.flush()


def count_offices(db: Session, user_id: int) -> int:
    """Count the organisations for which the person speaks or asks to speak."""
    theirs = (Representative.user_id == user_id) & Representative.state.in_(("proposed", "in_office"))
    return db.scalar(select(func.count()).where(theirs)) or 0
