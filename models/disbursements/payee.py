"""Whom an appeal's money may be paid to: said by its owner, and kept still for two days before anything goes there.

A row never changes: another name or account is another row, for which the two days begin anew. Whoever has somebody's
phone for an hour cannot have their money sent elsewhere without owner and county hearing of it in time.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal

KINDS = ("household", "school", "shop", "village")
STANDS_STILL = timedelta(hours=48)
MOST = 5
_LIVE = text("ended_at IS NULL")


class TooManyPayees(Refusal):
    """An appeal has so many (``most``): one of them can be changed."""

    code = "too_many_payees"
    final = True


class NoSuchPayee(Refusal):
    """Not of this appeal, or it has been replaced."""

    code = "no_such_payee"
    final = True


class Payee(Base):
    """``fixed_at``: since when it is what it is. ``ended_at``: another row, which names it, has replaced it.

    ``confirmed_by``: the officer who first endorsed a payment to it, name and account before their eyes.
    """

    __tablename__ = "payees"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str | None] = mapped_column(Encrypted("payee name"))
    account: Mapped[str | None] = mapped_column(Encrypted("payee account"))
    added_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("payees.id"), unique=True)
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    confirmed_at: Mapped[datetime | None]
    fixed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        Index("ix_payees_appeal", "appeal_id", "id", postgresql_where=_LIVE),
    )

    @property
    def payable_from(self) -> datetime:
        return self.fixed_at + STANDS_STILL

    @property
    def account_tail(self) -> str:
        """As much of the account as its owner needs to know it by."""
        return (self.account or "")[-4:]


def payees_of(db: Session, appeal_id: int) -> list[Payee]:
    """Those of today, the oldest first."""
    theirs = (Payee.appeal_id == appeal_id) & Payee.ended_at.is_(None)
    return list(db.scalars(select(Payee).where(theirs).order_by(Payee.id).limit(MOST)))


def get_payee(db: Session, appeal_id: int, number: int) -> Payee:
    """One of today. Raises NoSuchPayee."""
    payee = db.get(Payee, number, populate_existing=True)
    if payee is None or payee.appeal_id != appeal_id or payee.ended_at is not None:
        raise NoSuchPayee(number=appeal_id)
    return payee


def add_payee(
    db: Session,
    draft_id: str,
    appeal_id: int,
    added_by: int,
    kind: str,
    name: str,
    account: str,
    now: datetime,
    replaces: Payee | None = None,
) -> Payee:
    """From now on; the appeal must be locked. The same draft twice is the same payee. Raises TooManyPayees."""
    earlier = db.scalar(select(Payee).where(Payee.draft_id == draft_id))
    if earlier:
        return earlier
    if replaces is None and len(payees_of(db, appeal_id)) >= MOST:
        raise TooManyPayees(number=appeal_id, most=MOST)
    if replaces:
        db.execute(update(Payee).where(Payee.id == replaces.id).values(ended_at=now))
        db.refresh(replaces)
    payee = Payee(
        draft_id=draft_id,
        appeal_id=appeal_id,
        kind=kind,
        name=name,
        account=account,
        added_by=added_by,
        replaces_id=replaces.id if replaces else None,
        fixed_at=now,
    )
    db.add(payee)
    db.flush()
    detail = f"appeal:{appeal_id}" + (f" instead of {replaces.id}" if replaces else "")
    who = f"user:{added_by}"
    record(db, at=now, actor=who, action="payee_fixed", subject="payee", subject_id=payee.id, detail=detail)
    return payee
