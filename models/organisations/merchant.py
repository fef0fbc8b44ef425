"""Keep which charity collects under which merchant number (mchid) of WeChat Pay.

A number is one charity's for good: what came in under it, and every later refund of it, is that charity's money. A
charity that gets another number collects under the newest, and keeps the others for what they took in.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, among
from models.organisations.charity import BadCharity, Charity, get_charity


class NobodysMerchant(LookupError):
    """A payment came under a merchant number that no charity has: `charity merchant` was never run for it."""


class Merchant(Base):
    __tablename__ = "merchants"
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    charity_id: Mapped[int] = mapped_column(ForeignKey("charities.id"), index=True)
    added_at: Mapped[datetime]


def add_merchant(db: Session, charity_id: int, number: str, now: datetime) -> None:
    """Let a charity collect under this merchant number from now on. Raises BadCharity."""
    charity = get_charity(db, charity_id, lock=True)
    known = db.get(Merchant, number)
    if known is not None:
        raise BadCharity(f"merchant {number} is charity {known.charity_id}'s already")
    db.add(Merchant(number=number, charity_id=charity.id, added_at=now))
    db.flush()
    record(db, at=now, actor="system", action="collects_under", subject="charity", subject_id=charity.id, detail=number)


def merchant_of(db: Session, charity_id: int | None) -> str | None:
    """Return the merchant number under which the charity collects now; None where it has none."""
    own = select(Merchant.number).where(Merchant.charity_id == charity_id)
    return db.scalar(own.order_by(Merchant.added_at.desc(), Merchant.number.desc()).limit(1))


def with_merchant(db: Session, charities: Iterable[int]) -> set[int]:
    """Return those of these charities that have a merchant number, and so can take money."""
    return set(db.scalars(select(Merchant.charity_id).where(among(Merchant.charity_id, charities))))


def has_merchant() -> ColumnElement[bool]:
    """Build a condition on Charity: it has a merchant number, and so can take money."""
    return Charity.id.in_(select(Merchant.charity_id))


def charity_of_merchant(db: Session, number: str) -> int:
    """Return the charity whose money comes in under this merchant number. Raises NobodysMerchant."""
    found = db.get(Merchant, number)
    if found is None:
        raise NobodysMerchant(number)
    return found.charity_id
