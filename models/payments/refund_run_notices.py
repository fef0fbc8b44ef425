"""Notify the fund holder and the appeal's owner when a refund run has ended."""

from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.refund_run import RefundRun
from models.notifications.notify import notify_user
from models.payments.refund import GOING, Refund
from models.payments.refund_run import RunProgress, progress_of
from models.staff.fund_holder import holder_for
from models.staff.member import notify_staff

_BATCH = 50


def notify_ended(db: Session, now: datetime) -> int:
    """Notify of runs with no refund on its way: once when some are stuck, and once when all are paid.

    Returns how many runs.
    """
    going = exists().where(Refund.run_id == RefundRun.id, Refund.state.in_(GOING))
    ended = select(RefundRun).where(or_(RefundRun.notified.is_(None), RefundRun.notified == "waits"))
    ended = ended.where(RefundRun.state == "done", ~going).order_by(RefundRun.id).limit(_BATCH)
    told = 0
    for run in db.scalars(ended.with_for_update(skip_locked=True)).all():
        progress = progress_of(db, run)
        word = "waits" if progress.stuck.gifts else "all"
        if word != run.notified:
            run.notified = word
            _notify(db, run, progress, now)
            told += 1
    return told


def _notify(db: Session, run: RefundRun, progress: RunProgress, now: datetime) -> None:
    appeal = db.get_one(Appeal, run.appeal_id)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "gifts": progress.back.gifts,
        "fen": progress.back.fen,
        "redirected": progress.redirected.gifts,
        "stuck": progress.stuck.gifts,
    }
    key, about = f"refunds_done:{run.id}:{run.created_at.timestamp():.0f}:{run.notified}", ("appeal", appeal.id)
    holder = holder_for(db, appeal.region_code, now)
    if holder:
        notify_staff(db, holder, "refunds_done", {**facts, "staff": True}, key, now, about)
    notify_user(db, appeal.owner_id, "refunds_done", {**facts, "staff": False}, key, now, about)
