"""Endorse who sells, a household or an organisation: the village sees that it grows it, the county looks at the price.

An endorsement holds for a year. An organisation sells as a household does, by its own row of households.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, String, null, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.organisations.organisation import Organisation, organisation_of
from models.people.user import User
from models.staff.member import Staff

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})
# An endorsement lasts a year.
VALIDITY = timedelta(days=365)
_LIVE = ("applied", "seen", "endorsed", "expired")

MACHINE = Machine(
    "seller",
    {
        ("applied", "seen"): _OFFICER,
        ("expired", "seen"): _OFFICER,
        ("seen", "endorsed"): _COUNTY,
        ("endorsed", "expired"): frozenset({By.SYSTEM}),
        **{(state, "suspended"): _COUNTY for state in _LIVE},
        # The county lets it sell again: the village and the county look once more.
        ("suspended", "applied"): _COUNTY,
    },
)


class Seller(Base):
    """A household or an organisation that sells. ``applied_by``: who listed first. ``ends_at``: of the endorsement."""

    __tablename__ = "sellers"
    id: Mapped[RowId]
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"), unique=True)
    applied_by: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    state: Mapped[str] = mapped_column(String(12), default="applied")
    applied_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        Index("ix_sellers_ends_at", "ends_at", postgresql_where=text("state = 'endorsed'")),
    )


SELLER = Subject(
    "seller",
    Seller,
    MACHINE,
    begins=("applied",),
    owner=null(),  # a household's (models.market.moving)
    place=Seller.region_code,
    household=Seller.household_id,
)


@dataclass(frozen=True, slots=True)
class SellsAs:
    """In whose name a person lists: their household, or an organisation's row of households; and its home's region."""

    household_id: int
    home: str


def sells_as(db: Session, listing_household: int, user: User) -> SellsAs:
    """Return in whose name the person lists what is of this household, their own or an organisation's."""
    organisation = organisation_of(db, listing_household)
    return in_name_of(organisation) if organisation else for_family(user)


def for_family(user: User) -> SellsAs:
    assert user.household_id is not None  # noqa: S101 - a CHECK on users holds it of residents
    assert user.region_code is not None  # noqa: S101 - a resident says where they live
    return SellsAs(user.household_id, user.region_code)


def in_name_of(organisation: Organisation) -> SellsAs:
    return SellsAs(organisation.household_id, organisation.region_code)


def apply(db: Session, whose: SellsAs, user_id: int, now: datetime) -> None:
    """Make the household or the organisation a seller who applied, where it is none yet."""
    row: dict[str, Any] = {"household_id": whose.household_id, "applied_by": user_id, "region_code": whose.home}
    row |= {"state": "applied", "applied_at": now}
    db.execute(insert(Seller).values(row).on_conflict_do_nothing(index_elements=["household_id"]))


def seller_of(db: Session, household_id: int | None, *, lock: bool = False) -> Seller | None:
    """Find the household's seller. ``lock``: its row; listings are locked before sellers."""
    found = select(Seller).where(Seller.household_id == household_id).execution_options(populate_existing=True)
    return db.scalar(found.with_for_update() if lock else found)


def is_endorsed(db: Session, household_id: int | None) -> bool:
    seller = seller_of(db, household_id)
    return seller is not None and seller.state == "endorsed"


def is_suspended(db: Session, household_id: int | None) -> bool:
    seller = seller_of(db, household_id)
    return seller is not None and seller.state == "suspended"


def see(db: Session, household_id: int | None, staff: Staff, now: datetime) -> None:
    """Record that an officer of the place saw that the household grows or makes it; an endorsed one stays so."""
    seller = seller_of(db, household_id, lock=True)
    if seller and seller.state in ("applied", "expired"):
        MACHINE.move(db, seller, "seen", staff.actor, now)
        db.flush()


def endorse(db: Session, household_id: int | None, staff: Staff, now: datetime) -> None:
    """Record the county's endorsement of a seller whom the village has seen; an endorsed one keeps its last day."""
    seller = seller_of(db, household_id, lock=True)
    if seller and seller.state == "seen":
        MACHINE.move(db, seller, "endorsed", staff.actor, now)
        seller.ends_at = now + VALIDITY
        db.flush()
