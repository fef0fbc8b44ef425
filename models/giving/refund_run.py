"""Refund runs: refund all gifts of an ended appeal, or its surplus. A hook begins one when an appeal ends
(models.wiring)."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, exists, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from models.appeals.appeal import UNSUCCESSFUL
from models.core.base import Base, RowId, one_of
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.giving.pool import PoolMatch

# Pledge states in which the gift's money, or the rest of it, is held for its appeal.
HELD = ("paid", "committed", "partly_disbursed")
# The reason of a run after an appeal that spent less than it was given.
SURPLUS = "surplus"
_LIVE = text("state = 'planning'")
_UNNOTIFIED = text("notified IS NULL OR notified = 'waits'")


class RefundRun(Base):
    """A run that plans the refunds of an appeal's gifts, page by page. ``cursor``: the last pledge that was planned.

    ``reason``: the state in which the appeal ended, or SURPLUS. ``done``: every gift has its refund, in whatever state
    these are. ``notified``: the notification sent, that ``all`` is refunded or that some of it ``waits`` for a person.
    """

    __tablename__ = "refund_runs"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="planning", server_default="planning")
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    notified: Mapped[str | None] = mapped_column(String(5))

    __table_args__ = (
        one_of("reason", (*UNSUCCESSFUL, SURPLUS)),
        one_of("notified", ("waits", "all")),
        Index("ix_refund_runs_unnotified", "id", postgresql_where=_UNNOTIFIED),
        one_of("state", ("planning", "done")),
        Index("ix_refund_runs_live", "id", postgresql_where=_LIVE),
    )

    def begin_anew(self, reason: str) -> None:
        """Start the run again from the first gift, to include money that came since."""
        self.reason, self.state, self.cursor, self.ended_at, self.notified = reason, "planning", 0, None, None


def begin_refund_run(db: Session, appeal_id: int, reason: str, now: datetime) -> None:
    """Begin the appeal's refund run in the caller's transaction, which holds the appeal; none if nothing is held.

    A run that is done starts again, as after a second surplus; one that is still planning goes on.
    """
    held = exists().where(Pledge.appeal_id == appeal_id, Pledge.state.in_(HELD))
    if not db.scalar(select(held)) and not has_unspent_matches(db, appeal_id):
        return
    again = select(RefundRun).where(RefundRun.appeal_id == appeal_id).execution_options(populate_existing=True)
    run = db.scalar(again)
    if run is None:
        db.add(RefundRun(appeal_id=appeal_id, reason=reason, created_at=now))
    elif run.state == "done":
        run.begin_anew(reason)
        run.created_at = now
    db.flush()


def is_being_refunded(appeal_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Tell whether the appeal's unspent money is being refunded (a run is being planned)."""
    return exists().where(RefundRun.appeal_id == appeal_id, RefundRun.state == "planning")


def has_unspent_matches(db: Session, appeal_id: int) -> bool:
    """Tell whether money added by pools is left unspent; even a fully spent gift may leave a fen of its match."""
    theirs = PoolMatch.appeal_id == appeal_id
    net = db.scalar(select(func.sum(PoolMatch.fen - PoolMatch.returned_fen)).where(theirs)) or 0
    spent = select(func.sum(DisbursementShare.matched_fen)).where(
        DisbursementShare.pledge_id.in_(select(PoolMatch.pledge_id).where(theirs))
    )
    return net > (db.scalar(spent) or 0)
