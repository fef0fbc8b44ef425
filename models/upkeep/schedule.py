"""Let one of many workers take each scheduled round, so that together they act as one scheduler."""

from datetime import datetime, timedelta

from sqlalchemy import String, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class Round(Base):
    """A scheduled round. ``ran_at``: when it was last begun."""

    __tablename__ = "rounds"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    ran_at: Mapped[datetime]


def take_round(db: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Take a round if it is due. Of all workers that ask, exactly one gets True."""
    first = insert(Round).values(name=name, ran_at=now).on_conflict_do_nothing(index_elements=["name"])
    if db.execute(first.returning(Round.name)).first():
        return True
    mine = update(Round).where(Round.name == name, Round.ran_at <= now - every).values(ran_at=now)
    return db.execute(mine.returning(Round.name)).first() is not None
