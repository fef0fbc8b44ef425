"""Let one of many schedulers claim each scheduled run, so that together they act as one."""

from datetime import datetime, timedelta

from sqlalchemy import String, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class LastRun(Base):
    """When an entry of the schedule was last run. ``ran_at``: when that run began.

    ``name``: the entry's, followed by the official account's where the programs of each account make the run.
    """

    __tablename__ = "last_runs"
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    ran_at: Mapped[datetime]


def claim_run(db: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Claim the run of an entry if it is due. Of all processes that ask, exactly one gets True.

    A last run that lies as far ahead was made by a clock that was wrong, or was set back since: it holds up nothing.
    """
    first = insert(LastRun).values(name=name, ran_at=now).on_conflict_do_nothing(index_elements=["name"])
    if db.execute(first.returning(LastRun.name)).first():
        return True
    due = (LastRun.ran_at <= now - every) | (LastRun.ran_at >= now + every)
    mine = update(LastRun).where(LastRun.name == name, due).values(ran_at=now)
    return db.execute(mine.returning(LastRun.name)).first() is not None
