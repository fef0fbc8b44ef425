"""The payees of an appeal: its owner names them, and nothing is paid to a new one for two days.

A row is not changed: another name or account is another row, and the two days begin anew. So a person who gets hold of
the owner's phone cannot redirect money without the owner and the county being notified in time.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.base import Base, RowId, among, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.organisations.organisation import organisation_of
from models.organisations.representative import ever_of
from models.people.user import User

KINDS = ("household", "school", "shop", "village")
WAITING_PERIOD = timedelta(hours=48)
MOST = 5
_LIVE = text("ended_at IS NULL")


class TooManyPayees(Refusal):
    """The appeal has ``most`` payees already; the owner may replace one of them."""

    code = "too_many_payees"
    final = True


class NoSuchPayee(Refusal):
    """The payee is another appeal's, or has been replaced."""

    code = "no_such_payee"
    final = True


class PayeeSpeaksForIt(Refusal):
    """The appeal is an organisation's, whose money goes to no household and to nobody who speaks for it."""

    code = "payee_speaks_for_it"
    step = "kind"


class Payee(Base):
    """A payee. ``fixed_at``: when it was named. ``ended_at``: when another row replaced it (its ``replaces_id``).

    ``confirmed_by``: the officer who first endorsed a payment to it, and saw its name and account.
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
        return self.fixed_at + WAITING_PERIOD

    @property
    def account_tail(self) -> str:
        """The last four characters of the account, by which the owner recognises it."""
        return (self.account or "")[-4:]


def payees_of(db: Session, appeal_id: int) -> list[Payee]:
    """List the appeal's payees that are not replaced, the oldest first."""
    theirs = (Payee.appeal_id == appeal_id) & Payee.ended_at.is_(None)
    return list(db.scalars(select(Payee).where(theirs).order_by(Payee.id).limit(MOST)))


def get_payee(db: Session, appeal_id: int, number: int) -> Payee:
    """Get a payee of this appeal that is not replaced. Raises NoSuchPayee."""
    payee = db.get(Payee, number, populate_existing=True)
    if payee is None or payee.appeal_id != appeal_id or payee.ended_at is not None:
        raise NoSuchPayee(number=appeal_id)
    return payee


def check_speaks_not(db: Session, appeal_id: int, kind: str, name: str) -> None:
    """Check that an organisation's money goes to nobody who speaks for it. Raises PayeeSpeaksForIt."""
    organisation = organisation_of(db, db.scalar(select(Appeal.household_id).where(Appeal.id == appeal_id)))
    if organisation is None:
        return
    names = db.scalars(select(User.name).where(among(User.id, ever_of(db, organisation.id)))).all()
    if kind == "household" or name in names:
        raise PayeeSpeaksForIt(number=appeal_id)


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
    """Add a payee, or replace one; the appeal must be locked. The same draft twice is one payee.

    Raises TooManyPayees or PayeeSpeaksForIt.
    """
    earlier = db.scalar(select(Payee).where(Payee.draft_id == draft_id))
    if earlier:
        return earlier
    check_speaks_not(db, appeal_id, kind, name)
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
