"""List the scheduled rounds and their intervals in one table. The database decides which process runs a round."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.books.check import is_night
from bot.payments.orders import sweep_orders
from bot.payments.refunds import sweep_refunds
from bot.treasury.reconciliation import ask_for_bills
from bot.work.dead import bury, forget
from bot.work.errands import Errands
from bot.work.job import Named
from bot.work.sweeps import let_replies_go, sweep, sweep_outbox, tend
from bot.work.tidying import tidy
from models.disbursements.allocation_run import unfinished_allocations
from models.donors.recurring_gift import end_for_closed_appeals, remind_donors
from models.notifications.broadcast import live_ones
from models.outreach.digest import is_time, month_before

# A round that works page by page stops after so many, to stay brief; the next one goes on.
MOST_PAGES = 20


def always(_now: datetime) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Round:
    """A scheduled round: ``run`` by the clock itself, briefly; or ``asks_for``, which names a job, for longer work.

    A round whose process ends in the middle is run at its next time. A rare round must not wait so long: it
    enqueues a job, and counts as taken only if Redis has accepted the job.
    """

    every: timedelta
    run: Callable[[Errands, datetime], object] | None = None
    asks_for: Callable[[datetime], Named] | None = None
    when: Callable[[datetime], bool] = always


def _bury(errands: Errands, now: datetime) -> None:
    with Session(errands.database) as db, db.begin():
        dead = bury(db, errands.jobs, now)
    forget(dead)


def _query(errands: Errands, now: datetime) -> None:
    if errands.pay:
        sweep_orders(errands.database, errands.jobs, now)


def _pay_back(errands: Errands, now: datetime) -> None:
    if errands.pay:
        sweep_refunds(errands.database, errands.jobs, now)


def _tend_recurring_gifts(errands: Errands, now: datetime) -> None:
    """End recurring gifts that are over, and remind donors of due ones; no reminders while PAY_MODE is off."""
    for part in (end_for_closed_appeals, remind_donors) if errands.pay else (end_for_closed_appeals,):
        for _page in range(MOST_PAGES):
            with Session(errands.database) as db, db.begin():
                count = part(db, now)
            if not count:
                break


def _fetch_bills(errands: Errands, now: datetime) -> None:
    if errands.pay:
        ask_for_bills(errands.database, errands.jobs, now)


def _go_on(errands: Errands, _now: datetime) -> None:
    """Resume a broadcast whose job was lost."""
    with Session(errands.database) as db:
        live = live_ones(db)
    if live:
        errands.jobs.ask_once("fan_out", live[0])


def _follow(errands: Errands, _now: datetime) -> None:
    """Resume the allocation of disbursements whose gifts' states have not followed yet."""
    with Session(errands.database) as db:
        numbers = unfinished_allocations(db)
    for number in numbers:
        errands.jobs.ask_once("follow_gifts", number)


ROUNDS = {
    "tidy": Round(timedelta(seconds=15), lambda errands, now: tidy(errands.jobs, now)),
    "outbox": Round(timedelta(seconds=15), lambda errands, now: sweep_outbox(errands.database, errands.jobs, now)),
    "fan_outs": Round(timedelta(seconds=15), _go_on),
    "gifts_followed": Round(timedelta(seconds=60), _follow),
    "dead_jobs": Round(timedelta(seconds=30), _bury),
    "owed": Round(timedelta(seconds=60), lambda errands, now: sweep(errands.database, errands.jobs, now)),
    "orders": Round(timedelta(seconds=15), _query),
    "refunds": Round(timedelta(seconds=30), _pay_back),
    "recurring_gifts": Round(timedelta(seconds=60), _tend_recurring_gifts),
    "bills": Round(timedelta(minutes=5), _fetch_bills),
    "tended": Round(timedelta(seconds=60), lambda errands, now: tend(errands.database, now)),
    "old_replies": Round(timedelta(hours=1), lambda errands, now: let_replies_go(errands.database, now)),
    "books": Round(timedelta(hours=20), asks_for=lambda now: ("check_books", int(f"{now:%Y%m%d}")), when=is_night),
    "digest": Round(timedelta(hours=20), asks_for=lambda now: ("write_digests", month_before(now)), when=is_time),
}
