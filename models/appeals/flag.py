"""What a reviewer should look at twice in an appeal. A flag never decides anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.base import Base, RowId, one_of
from models.people.user import User

# As a reviewer reads them: what weighs most stands first.
CODES = ("photo_reused", "asked_before", "over_price", "odd_item", "brand")
# Those that follow from what is written, and go when it is written anew.
OF_WORDS = ("over_price", "odd_item", "brand")
LONGEST_ITEM = 60
# So long a household's earlier appeal for the same is worth a look.
LOOK_BACK = timedelta(days=731)


class Flag(Base):
    """``item``: the budget line or word it is about, or the number of the other appeal (of something else, ``case:7``).

    ``usual_fen``: the most that is usually paid.
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
class Sign:
    """What was found in an appeal's words: a flag that is not raised yet."""

    code: str
    item: str
    usual_fen: int | None = None


def raise_flag(db: Session, appeal_id: int, code: str, item: str, now: datetime, usual_fen: int | None = None) -> None:
    """Once per appeal, code and item, however often it is found."""
    row = {"appeal_id": appeal_id, "code": code, "item": item[:LONGEST_ITEM], "usual_fen": usual_fen, "at": now}
    once = insert(Flag).values(row).on_conflict_do_nothing(index_elements=["appeal_id", "code", "item"])
    db.execute(once)


def flag_words(db: Session, appeal_id: int, signs: Iterable[Sign], now: datetime) -> None:
    """Exactly these flags on what is written, in place of those that were there."""
    theirs = (Flag.appeal_id == appeal_id) & Flag.code.in_(OF_WORDS)
    db.execute(delete(Flag).where(theirs))
    for sign in signs:
        raise_flag(db, appeal_id, sign.code, sign.item, now, sign.usual_fen)


def flag_earlier(db: Session, appeal: Appeal, now: datetime) -> None:
    """The household's last appeal for the same kind of need, whatever became of it."""
    same = (Appeal.household_id == appeal.household_id) & (Appeal.category == appeal.category)
    # By way of the household's people, for whom there is an index.
    by_people = select(Appeal.id, Appeal.created_at).join(User, User.id == Appeal.owner_id)
    theirs = by_people.where(User.household_id == appeal.household_id, same, Appeal.id < appeal.id)
    earlier = db.execute(theirs.order_by(Appeal.id.desc()).limit(1)).first()
    if earlier and earlier.created_at > now - LOOK_BACK:
        raise_flag(db, appeal.id, "asked_before", str(earlier.id), now)


def flags_of(db: Session, appeal_id: int) -> Sequence[Flag]:
    """What weighs most first."""
    found = db.scalars(select(Flag).where(Flag.appeal_id == appeal_id))
    return sorted(found, key=lambda flag: (CODES.index(flag.code), flag.id))
