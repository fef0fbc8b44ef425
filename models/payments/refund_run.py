"""Refund all gifts of an appeal that failed, was cancelled or has a surplus, in pages (models.core.batch_run).

When all are paid, or some are stuck, the fund holder and the appeal's owner are notified.
No gift is refunded twice, because it has only one refund (models.payments.refund).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import UNSUCCESSFUL, Appeal, get_appeal
from models.core.batch_run import Batch, lock_run
from models.core.refusal import Refusal
from models.disbursements.allocation_run import is_pending
from models.disbursements.disbursement import transfers_of
from models.giving.matching import lock_matches, return_matches
from models.giving.pledge import Pledge
from models.giving.refund_run import HELD, SURPLUS, RefundRun, has_unspent_matches
from models.ledger.accounts import refunds_of
from models.notifications.notify import notify_user
from models.organisations.merchant import charity_of_merchant
from models.payments.order import PayOrder
from models.payments.refund import GOING, STUCK, Refund
from models.payments.refund_entitlement import orders_of, owe_refunds, unspent_of
from models.staff.fund_holder import holder_for
from models.staff.member import Staff, in_charge_of, notify_staff

# A turn that needs the appeal waits for a page: fifty take longer than a tenth of a second.
PAGE = 25
_MOST = 5
_MOST_NOTIFIED = 50


class NoSuchRefundRun(Refusal):
    """The appeal has no refund run, or it is outside the region."""

    code = "no_such_refund_run"


@dataclass(frozen=True, slots=True)
class GiftTotal:
    """A number of gifts and their total in fen."""

    gifts: int = 0
    fen: int = 0


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a refund run. ``planning``: not every gift has its refund yet. ``back``: paid back.

    ``stuck``: these wait for the fund holder.
    """

    number: int
    title: str
    reason: str
    begun_at: datetime
    planning: bool
    all: GiftTotal
    back: GiftTotal
    redirected: GiftTotal
    going: GiftTotal
    stuck: GiftTotal


def live_runs(db: Session) -> Sequence[int]:
    return db.scalars(select(RefundRun.id).where(RefundRun.state == "planning").order_by(RefundRun.id)).all()


def plan_page(db: Session, number: int, now: datetime) -> Batch | None:
    """Owe the refunds of the run's next page of gifts.

    None where the run is done, another worker holds it, or a payment of the appeal is being transferred or allocated.
    """
    run = lock_run(db, RefundRun, number, "planning")
    if run is None:
        return None
    appeal = get_appeal(db, run.appeal_id, lock=True)
    if is_pending(db, run.appeal_id) or transfers_of(db, run.appeal_id):
        return None  # the sweep tries again
    after = (Pledge.appeal_id == run.appeal_id) & (Pledge.id > run.cursor)
    page = select(Pledge).where(after).order_by(Pledge.id).limit(PAGE).with_for_update(key_share=True)
    pledges = db.scalars(page.execution_options(populate_existing=True)).all()
    ids = _owe(db, run, pledges, now)
    last = len(pledges) < PAGE
    run.cursor = pledges[-1].id if pledges else run.cursor
    if last and appeal.state in UNSUCCESSFUL and (run.reason == SURPLUS or _is_kept(db, run)):
        # The appeal was cancelled meanwhile, or a payout return gave money back to gifts of earlier pages.
        run.begin_anew(appeal.state)
        last = False
    if last:
        run.state, run.ended_at = "done", now
    return Batch(ids, last)


def find_run(db: Session, staff: Staff, appeal_id: int) -> RefundRun:
    """Get the refund run of an appeal in this member of staff's region. Raises NoSuchRefundRun."""
    run = db.scalar(_seen_by(staff).where(RefundRun.appeal_id == appeal_id))
    if run is None:
        raise NoSuchRefundRun(number=appeal_id)
    return run


def recent_runs(db: Session, staff: Staff) -> Sequence[RefundRun]:
    """List the newest refund runs of this member of staff's region."""
    return db.scalars(_seen_by(staff).order_by(RefundRun.id.desc()).limit(_MOST)).all()


def progress_of(db: Session, run: RefundRun) -> RunProgress:
    """Count the run's refunds by state as they are now."""
    states = select(Refund.state, func.count(), func.sum(Refund.amount_fen)).where(Refund.run_id == run.id)
    parts = {state: GiftTotal(gifts, int(fen)) for state, gifts, fen in db.execute(states.group_by(Refund.state))}
    return RunProgress(
        number=run.appeal_id,
        title=db.get_one(Appeal, run.appeal_id).title,
        reason=run.reason,
        begun_at=run.created_at,
        planning=run.state == "planning",
        all=_sum(parts, tuple(parts)),
        back=_sum(parts, ("paid",)),
        redirected=_sum(parts, ("redirected",)),
        going=_sum(parts, GOING),
        stuck=_sum(parts, STUCK),
    )


def notify_ended(db: Session, now: datetime) -> int:
    """Notify of runs with no refund on its way: once when some are stuck, and once when all are paid.

    Returns how many runs.
    """
    going = exists().where(Refund.run_id == RefundRun.id, Refund.state.in_(GOING))
    ended = select(RefundRun).where(or_(RefundRun.notified.is_(None), RefundRun.notified == "waits"))
    ended = ended.where(RefundRun.state == "done", ~going).order_by(RefundRun.id).limit(_MOST_NOTIFIED)
    told = 0
    for run in db.scalars(ended.with_for_update(skip_locked=True)).all():
        progress = progress_of(db, run)
        word = "waits" if progress.stuck.gifts else "all"
        if word != run.notified:
            run.notified = word
            _notify_ended(db, run, progress, now)
            told += 1
    return told


def _owe(db: Session, run: RefundRun, everyone: Sequence[Pledge], now: datetime) -> list[int]:
    """Owe the refunds of a page; return their ids. A gift that is spent, or that no pay order paid, gets none."""
    pledges = [pledge for pledge in everyone if pledge.state in HELD]
    unspent, orders = unspent_of(db, pledges), orders_of(db, pledges)
    held = select(PayOrder.id).where(PayOrder.id.in_([order.id for order in orders.values()]))
    db.execute(held.order_by(PayOrder.id).with_for_update(key_share=True))
    lock_matches(
        db,
        [pledge.id for pledge in everyone],
        [refunds_of(charity_of_merchant(db, number)) for number in {order.merchant for order in orders.values()}],
    )
    left = [(pledge, unspent[pledge.id]) for pledge in pledges if pledge.id in orders and unspent[pledge.id] > 0]
    ids = owe_refunds(db, [(pledge, orders[pledge.id], fen) for pledge, fen in left], run.reason, now, run.id)
    return_matches(db, [pledge.id for pledge in everyone], now)  # a gift may be spent, and a fen of its match not
    return ids


def _is_kept(db: Session, run: RefundRun) -> bool:
    """Tell whether the appeal still has a gift or match to refund; the caller holds the appeal's lock."""
    kept = select(Pledge).where(Pledge.appeal_id == run.appeal_id, Pledge.state.in_(HELD)).order_by(Pledge.id)
    pledges = db.scalars(kept.limit(PAGE)).all()
    unspent, orders = unspent_of(db, pledges), orders_of(db, pledges)
    return has_unspent_matches(db, run.appeal_id) or any(unspent[each.id] > 0 and each.id in orders for each in pledges)


def _sum(parts: Mapping[str, GiftTotal], states: Sequence[str]) -> GiftTotal:
    chosen = [parts[state] for state in states if state in parts]
    return GiftTotal(sum(part.gifts for part in chosen), sum(part.fen for part in chosen))


def _seen_by(staff: Staff) -> Select[RefundRun]:
    theirs = in_charge_of(staff, Appeal.region_code, Appeal.charity_id)
    return select(RefundRun).join(Appeal, Appeal.id == RefundRun.appeal_id).where(theirs)


def _notify_ended(db: Session, run: RefundRun, progress: RunProgress, now: datetime) -> None:
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
    holder = holder_for(db, appeal.region_code, appeal.charity_id, now)
    if holder:
        notify_staff(db, holder, "refunds_done", {**facts, "staff": True}, key, now, about)
    notify_user(db, appeal.owner_id, "refunds_done", {**facts, "staff": False}, key, now, about)
