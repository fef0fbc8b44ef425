"""Gifts of an appeal that came to nothing go back, all of them: how far that is. Begun with what ends the appeal."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, column, exists, func, select, table, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of

# By its name: models.giving.pledge knows of appeals, and appeals of this.
_PLEDGES = table("pledges", column("appeal_id"), column("state"))
_MATCHES = table("pool_matches", column("appeal_id"), column("pledge_id"), column("fen"), column("returned_fen"))
_SHARES = table("disbursement_shares", column("pledge_id"), column("matched_fen"))
# In which a gift's money, or what is left of it, is held for its appeal.
HELD = ("paid", "committed", "partly_disbursed")
# The states of an appeal in which nothing more comes of it.
ENDS = ("failed", "cancelled")
# Nothing went wrong, and more was given than was needed.
SURPLUS = "surplus"
_LIVE = text("state = 'planning'")
_UNTOLD = text("told IS NULL OR told = 'waits'")


class RefundRun(Base):
    """``reason``: the state that the appeal came to, or SURPLUS. ``cursor``: the last pledge that was looked at.

    ``done``: every gift has its refund; how far these are, they say themselves. ``told``: that all is back, or that
    some of it ``waits`` for a person.
    """

    __tablename__ = "refund_runs"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="planning", server_default="planning")
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    told: Mapped[str | None] = mapped_column(String(5))

    __table_args__ = (
        one_of("reason", (*ENDS, SURPLUS)),
        one_of("told", ("waits", "all")),
        Index("ix_refund_runs_untold", "id", postgresql_where=_UNTOLD),
        one_of("state", ("planning", "done")),
        Index("ix_refund_runs_live", "id", postgresql_where=_LIVE),
    )

    def begin_anew(self, reason: str) -> None:
        """From the first gift, also with what came since it was looked at."""
        self.reason, self.state, self.cursor, self.ended_at, self.told = reason, "planning", 0, None, None


def give_back(db: Session, appeal_id: int, reason: str, now: datetime) -> None:
    """In the transaction that ends the appeal, whose row the caller holds; none where nothing is held for it.

    What was left over may go back, and then more of it: the run begins anew. One that is not through goes on.
    """
    held = exists().where(_PLEDGES.c.appeal_id == appeal_id, _PLEDGES.c.state.in_(HELD))
    if not db.scalar(select(held)) and not has_matches(db, appeal_id):
        return
    again = select(RefundRun).where(RefundRun.appeal_id == appeal_id).execution_options(populate_existing=True)
    run = db.scalar(again)
    if run is None:
        db.add(RefundRun(appeal_id=appeal_id, reason=reason, created_at=now))
    elif run.state == "done":
        run.begin_anew(reason)
        run.created_at = now
    db.flush()


def is_given_back(appeal_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Is what is left of it on its way to whose it was?"""
    return exists().where(RefundRun.appeal_id == appeal_id, RefundRun.state == "planning")


def has_matches(db: Session, appeal_id: int) -> bool:
    """Is anything left of what pools have added? Of a gift that is spent to the fen, a fen of its match may be."""
    theirs = _MATCHES.c.appeal_id == appeal_id
    net = db.scalar(select(func.sum(_MATCHES.c.fen - _MATCHES.c.returned_fen)).where(theirs)) or 0
    spent = select(func.sum(_SHARES.c.matched_fen)).where(
        _SHARES.c.pledge_id.in_(select(_MATCHES.c.pledge_id).where(theirs))
    )
    return net > (db.scalar(spent) or 0)
