"""List what is run again and again, and how often, in one table. The database decides which process makes a run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.books.check import is_night
from bot.figures.folding import count_all_waiting, fold_all, fold_regions
from bot.market.bills import enqueue_order_bills
from bot.market.payments import sweep_payments
from bot.market.transfers import sweep_transfers
from bot.payments.orders import sweep_gift_orders
from bot.payments.refunds import sweep_refunds
from bot.treasury.gift_bills import enqueue_gift_bill
from bot.words.lexicon import lexicon_of
from bot.work.clock import true_now
from bot.work.context import WorkerContext
from bot.work.dead_jobs import bury, forget
from bot.work.job import Named
from bot.work.queue_cleanup import recover_jobs
from bot.work.queues import JobQueues
from bot.work.sweeps import apply_deadlines, delete_old_replies, sweep_outbox, sweep_owed
from models.disbursements.allocation_run import unfinished_allocations
from models.donors.recurring_gift import end_for_closed_appeals, remind_donors
from models.notifications.broadcast import live_broadcasts
from models.outreach.digest import is_time, month_before
from models.staff.menu_due import forget_left

# A run that works page by page stops after so many, to stay short; the next one goes on.
MOST_PAGES = 20


def always(_now: datetime) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An entry of the schedule: ``run`` by the scheduler itself, or ``enqueues``, which names a job, for longer work.

    A run whose process ends in the middle is made at its next time. A rare one must not wait so long: it
    enqueues a job, and counts as claimed only if Redis has accepted the job.

    ``of_account``: where several official accounts share the database, the programs of each make the run for
    themselves, since it looks after their Redis, or after their own people alone.
    """

    every: timedelta
    run: Callable[[WorkerContext, datetime], object] | None = None
    enqueues: Callable[[datetime], Named] | None = None
    when: Callable[[datetime], bool] = always
    of_account: bool = False


def _where_paid(
    sweep: Callable[[Engine, JobQueues, datetime], object],
) -> Callable[[WorkerContext, datetime], None]:
    """Make a run that does nothing while PAY_MODE is off."""

    def run(context: WorkerContext, now: datetime) -> None:
        if context.pay:
            sweep(context.database, context.jobs, now)

    return run


def _where_sold(
    sweep: Callable[[Engine, JobQueues, datetime], object],
) -> Callable[[WorkerContext, datetime], None]:
    """Make a run that does nothing while no partner's account is set."""

    def run(context: WorkerContext, now: datetime) -> None:
        if context.partner:
            sweep(context.database, context.jobs, now)

    return run


def _bury_dead_jobs(context: WorkerContext, now: datetime) -> None:
    with Session(context.database) as db, db.begin():
        dead = bury(db, context.jobs, now)
    forget(dead)


def _remind_of_recurring_gifts(context: WorkerContext, now: datetime) -> None:
    """End recurring gifts that are over, and remind donors of due ones; no reminders while PAY_MODE is off."""
    for part in (end_for_closed_appeals, remind_donors) if context.pay else (end_for_closed_appeals,):
        for _page in range(MOST_PAGES):
            with Session(context.database) as db, db.begin():
                count = part(db, now)
            if not count:
                break


def _enqueue_gift_bills(context: WorkerContext, now: datetime) -> None:
    for client in context.pay or ():
        enqueue_gift_bill(context.database, client.merchant, context.jobs, now)


def _resume_broadcast(context: WorkerContext, _now: datetime) -> None:
    """Enqueue the oldest unfinished broadcast again: Redis may have lost its job."""
    with Session(context.database) as db:
        live = live_broadcasts(db)
    if live:
        context.jobs.enqueue_once("fan_out", live[0])


def _resume_allocations(context: WorkerContext, _now: datetime) -> None:
    """Enqueue the unfinished allocations of payouts again: Redis may have lost their jobs."""
    with Session(context.database) as db:
        numbers = unfinished_allocations(db)
    for number in numbers:
        context.jobs.enqueue_once("follow_gifts", number)


def _apply_deadlines(context: WorkerContext, now: datetime) -> None:
    apply_deadlines(context.database, now, lexicon_of(context.settings).goods)


SCHEDULE = {
    "lost_jobs": Scheduled(
        timedelta(seconds=15), lambda context, _now: recover_jobs(context.jobs, true_now()), of_account=True
    ),
    "outbox": Scheduled(
        timedelta(seconds=15), lambda context, now: sweep_outbox(context.database, context.jobs, now), of_account=True
    ),
    "broadcasts": Scheduled(timedelta(seconds=15), _resume_broadcast),
    "figures": Scheduled(timedelta(seconds=10), lambda context, _now: fold_all(context.database)),
    "regions": Scheduled(timedelta(seconds=10), lambda context, _now: fold_regions(context.database)),
    "waiting": Scheduled(timedelta(hours=1), lambda context, now: count_all_waiting(context.database, now)),
    "allocations": Scheduled(timedelta(seconds=60), _resume_allocations),
    "dead_jobs": Scheduled(timedelta(seconds=30), _bury_dead_jobs, of_account=True),
    "owed": Scheduled(
        timedelta(seconds=60), lambda context, now: sweep_owed(context.database, context.jobs, now), of_account=True
    ),
    "orders": Scheduled(timedelta(seconds=15), _where_paid(sweep_gift_orders)),
    "refunds": Scheduled(timedelta(seconds=30), _where_paid(sweep_refunds)),
    "order_payments": Scheduled(timedelta(seconds=15), _where_sold(sweep_payments)),
    "order_transfers": Scheduled(timedelta(seconds=30), _where_sold(sweep_transfers)),
    "recurring_gifts": Scheduled(timedelta(seconds=60), _remind_of_recurring_gifts),
    # A day at a time: after days without a worker, or a jump of the demo's clock, one is caught up with each minute.
    "bills": Scheduled(timedelta(minutes=1), _enqueue_gift_bills),
    "order_bills": Scheduled(timedelta(minutes=1), _where_sold(enqueue_order_bills)),
    "deadlines": Scheduled(timedelta(seconds=60), _apply_deadlines),
    "old_replies": Scheduled(timedelta(hours=1), lambda context, now: delete_old_replies(context.database, now)),
    "books": Scheduled(timedelta(hours=20), enqueues=lambda now: ("check_books", int(f"{now:%Y%m%d}")), when=is_night),
    "open_photos": Scheduled(timedelta(hours=3), enqueues=lambda now: ("seal_photo_files", int(f"{now:%Y%m%d%H}"))),
    "photo_files": Scheduled(
        timedelta(hours=20), enqueues=lambda now: ("sweep_photo_files", int(f"{now:%Y%m%d}")), when=is_night
    ),
    "menus": Scheduled(
        timedelta(seconds=60), lambda context, _now: context.jobs.enqueue_once("give_menus", 0), of_account=True
    ),
    "old_menu_notes": Scheduled(
        timedelta(hours=20), lambda context, now: forget_left(context.database, now), when=is_night
    ),
    "digest": Scheduled(timedelta(hours=20), enqueues=lambda now: ("write_digests", month_before(now)), when=is_time),
}
