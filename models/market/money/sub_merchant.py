"""Keep which seller is paid under which sub-merchant number (特约商户号) of WeChat Pay.

A number is one seller's for good: what was paid under it, and every refund of it, is that seller's. Once it is
withdrawn, new orders of the seller are reservations; what was paid before is still released, or goes back.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base
from models.core.database import sells_online
from models.organisations.merchant import Merchant
from models.people.user import User


class BadSubMerchant(ValueError):
    """The operator's words do not fit; the message says why."""


class SubMerchant(Base):
    __tablename__ = "sub_merchants"
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_sub_merchants_of_seller", "seller_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    )


def add_sub_merchant(db: Session, seller_id: int, number: str, now: datetime) -> None:
    """Let a seller be paid under this number from now on. Raises BadSubMerchant."""
    if db.get(User, seller_id, with_for_update=True) is None:
        raise BadSubMerchant(f"there is no user {seller_id}")
    if not (number.isascii() and number.isdecimal() and 8 <= len(number) <= 32):
        raise BadSubMerchant("a sub-merchant's number has 8 to 32 digits")
    if db.get(Merchant, number) is not None:
        raise BadSubMerchant(f"{number} is a charity's merchant number, and its money is no seller's")
    known = db.get(SubMerchant, number)
    if known is not None:
        withdrawn = ", and was withdrawn" if known.withdrawn_at else ""
        raise BadSubMerchant(f"sub-merchant {number} is user {known.seller_id}'s already{withdrawn}")
    if (other := sub_merchant_of(db, seller_id)) is not None:
        raise BadSubMerchant(f"user {seller_id} is paid under {other}: withdraw that first")
    db.add(SubMerchant(number=number, seller_id=seller_id, added_at=now))
    db.flush()
    record(db, at=now, actor="system", action="paid_under", subject="user", subject_id=seller_id, detail=number)


def withdraw_sub_merchant(db: Session, number: str, now: datetime) -> int:
    """Let nothing new be paid under this number; returns its seller. Raises BadSubMerchant."""
    known = db.get(SubMerchant, number, with_for_update=True)
    if known is None or known.withdrawn_at:
        raise BadSubMerchant(f"nobody is paid under {number}")
    known.withdrawn_at = now
    db.flush()
    seller = known.seller_id
    record(db, at=now, actor="system", action="paid_no_more", subject="user", subject_id=seller, detail=number)
    return seller


def sub_merchant_of(db: Session, seller_id: int) -> str | None:
    """Return the number under which the seller is paid now; None where there is none."""
    own = (SubMerchant.seller_id == seller_id) & SubMerchant.withdrawn_at.is_(None)
    return db.scalar(select(SubMerchant.number).where(own))


def takes_payment(db: Session, seller_id: int) -> bool:
    """Tell whether a new order of this seller is paid by WeChat Pay; all others are reservations."""
    return sells_online(db) and sub_merchant_of(db, seller_id) is not None
