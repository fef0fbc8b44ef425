"""Flags: what a reviewer should check in an appeal. A flag never decides anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.base import Base, RowId, one_of
from models.people.user import User

# The most serious first, as a reviewer reads them.
CODES = ("photo_reused", "asked_before", "over_price", "odd_item", "brand")
# Flags on the words of an appeal; they are replaced when the words change.
OF_WORDS = ("over_price", "odd_item", "brand")
LONGEST_ITEM = 60
# How long ago an earlier appeal of the same category may be to be flagged.
LOOK_BACK = timedelta(days=731)


class Flag(Base):
    """A flag on an appeal. ``item``: the budget line, the word, or the other appeal's number (else ``case:7``).

    ``usual_fen``: the most that is usually paid for such a line.
    """

    __tablename__ = "flags"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    code: Mapped[str] = mapped_column(String(16))
    item: Mapped[str] = mapped_column(String(60))
    usual_fen: Mapped[int | None]
    at: Mapped[datetime]

    __table_args__ = (one_of("code", CODES), Index("uq_flags_once", "appeal_id", "code", "item", unique=True))


@dataclass(frozen=True, slots=True)
class NewFlag:
    """A flag found in an appeal's words and not stored yet."""

    code: str
    item: str
    usual_fen: int | None = None


def raise_flag(db: Session, appeal_id: int, code: str, item: str, now: datetime, usual_fen: int | None = None) -> None:
    """Store a flag, once per appeal, code and item."""
    row = {"appeal_id": appeal_id, "code": code, "item": item[:LONGEST_ITEM], "usual_fen": usual_fen, "at": now}
    once = insert(Flag).values(row).on_conflict_do_nothing(index_elements=["appeal_id", "code", "item"])
    db.execute(once)


def flag_words(db: Session, appeal_id: int, signs: Iterable[NewFlag], now: datetime) -> None:
    """Replace the flags on the appeal's words by these."""
    theirs = (Flag.appeal_id == appeal_id) & Flag.code.in_(OF_WORDS)
    db.execute(delete(Flag).where(theirs))
    for sign in signs:
        raise_flag(db, appeal_id, sign.code, sign.item, now, sign.usual_fen)


def flag_earlier(db: Session, appeal: Appeal, now: datetime) -> None:
    """Flag the household's last earlier appeal in the same category, in any state, within LOOK_BACK."""
    same = (Appeal.household_id == appeal.household_id) & (Appeal.category == appeal.category)
    # Joined through the household's members, because appeals have an index on their owners.
    by_people = select(Appeal.id, Appeal.created_at).join(User, User.id == Appeal.owner_id)
    theirs = by_people.where(User.household_id == appeal.household_id, same, Appeal.id < appeal.id)
    earlier = db.execute(theirs.order_by(Appeal.id.desc()).limit(1)).first()
    if earlier and earlier.created_at > now - LOOK_BACK:
        raise_flag(db, appeal.id, "asked_before", str(earlier.id), now)


def flags_of(db: Session, appeal_id: int) -> Sequence[Flag]:
    """List an appeal's flags, the most serious first."""
    found = db.scalars(select(Flag).where(Flag.appeal_id == appeal_id))
    return sorted(found, key=lambda flag: (CODES.index(flag.code), flag.id))
