"""Keep which seller is paid under which sub-merchant number (特约商户号) of WeChat Pay.

A number is one seller's for good: what was paid under it, and every refund of it, is that seller's. Once it is
withdrawn, new orders of the seller are reservations; what was paid before is still released, or goes back.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, among
from models.organisations.merchant import Merchant
from models.organisations.organisation import SELLERS, Organisation, organisation_of
from models.people.user import User


class BadSubMerchant(ValueError):
    """The operator's words do not fit; the message says why."""


class SubMerchant(Base):
    """A number, and whose it is: the person ``seller_id``, for what their household sells, or an organisation's.

    An organisation's money is its own, whoever speaks for it; a number of theirs never receives it.
    """

    __tablename__ = "sub_merchants"
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(seller_id IS NULL) <> (organisation_id IS NULL)", name="of_one"),
        Index("uq_sub_merchants_of_seller", "seller_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
        Index(
            "uq_sub_merchants_of_organisation",
            "organisation_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    @property
    def owner(self) -> "Owner":
        return Owner("user", self.seller_id) if self.seller_id else Owner("organisation", self.organisation_id or 0)


class Owner(NamedTuple):
    """Whose a number is: ``kind`` user or organisation."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def add_sub_merchant(db: Session, owner: Owner, number: str, now: datetime) -> None:
    """Let a seller be paid under this number from now on. Raises BadSubMerchant."""
    _check_sells(db, owner)
    if not (number.isascii() and number.isdecimal() and 8 <= len(number) <= 32):
        raise BadSubMerchant("a sub-merchant's number has 8 to 32 digits")
    if db.get(Merchant, number) is not None:
        raise BadSubMerchant(f"{number} is a charity's merchant number, and its money is no seller's")
    known = db.get(SubMerchant, number)
    if known is not None:
        withdrawn = ", and was withdrawn" if known.withdrawn_at else ""
        raise BadSubMerchant(f"sub-merchant {number} is {known.owner}'s already{withdrawn}")
    if (other := own_number(db, owner)) is not None:
        raise BadSubMerchant(f"{owner} is paid under {other}: withdraw that first")
    db.add(SubMerchant(number=number, **{_COLUMNS[owner.kind].key: owner.id}, added_at=now))
    db.flush()
    record(db, at=now, actor="system", action="paid_under", subject=owner.kind, subject_id=owner.id, detail=number)


def withdraw_sub_merchant(db: Session, number: str, now: datetime) -> Owner:
    """Let nothing new be paid under this number; returns whose it was. Raises BadSubMerchant."""
    known = db.get(SubMerchant, number, with_for_update=True)
    if known is None or known.withdrawn_at:
        raise BadSubMerchant(f"nobody is paid under {number}")
    known.withdrawn_at = now
    db.flush()
    kind, owner_id = known.owner
    record(db, at=now, actor="system", action="paid_no_more", subject=kind, subject_id=owner_id, detail=number)
    return known.owner


def sub_merchant_of(db: Session, seller_id: int, household_id: int) -> str | None:
    """Return the number under which is paid now what this person sells of this household; None where there is none.

    What is an organisation's is paid under the organisation's.
    """
    organisation = organisation_of(db, household_id)
    return own_number(db, Owner("organisation", organisation.id) if organisation else Owner("user", seller_id))


def paid_online(db: Session, sold: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those of these (seller, household) that are paid by WeChat Pay now, as ``sub_merchant_of`` says."""
    named = select(Organisation.household_id, Organisation.id)
    named = named.where(among(Organisation.household_id, {household for _, household in sold}))
    organisations: dict[int, int] = {int(row[0]): int(row[1]) for row in db.execute(named)}
    live = select(SubMerchant).where(SubMerchant.withdrawn_at.is_(None))
    persons = SubMerchant.seller_id.in_({seller for seller, _ in sold})
    paid = live.where(or_(persons, SubMerchant.organisation_id.in_(organisations.values())))
    owners = {number.owner for number in db.scalars(paid)}
    return {
        (seller, household)
        for seller, household in sold
        if (Owner("organisation", organisations[household]) if household in organisations else Owner("user", seller))
        in owners
    }


def own_number(db: Session, owner: Owner) -> str | None:
    """Return the number under which the person, or the organisation, is paid now; None where there is none."""
    own = (_COLUMNS[owner.kind] == owner.id) & SubMerchant.withdrawn_at.is_(None)
    return db.scalar(select(SubMerchant.number).where(own))


_COLUMNS = {"user": SubMerchant.seller_id, "organisation": SubMerchant.organisation_id}


def _check_sells(db: Session, owner: Owner) -> None:
    """Lock whose the number is to be. Raises BadSubMerchant."""
    if owner.kind == "user":
        if db.get(User, owner.id, with_for_update=True) is None:
            raise BadSubMerchant(f"there is no user {owner.id}")
        return
    organisation = db.get(Organisation, owner.id, with_for_update=True)
    if organisation is None or organisation.state != "confirmed":
        raise BadSubMerchant(f"there is no confirmed organisation {owner.id}")
    if organisation.kind not in SELLERS:
        raise BadSubMerchant(f"{owner} is a {organisation.kind}, which sells nothing")
