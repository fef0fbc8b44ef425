"""The jobs of pay orders, refunds and payouts."""

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bot.payments import refunds
from bot.payments.orders import OrderDesk, PaymentIntake
from bot.work.job import Job
from models.payments.payout_return import continue_allocation

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def query_order(context: "WorkerContext", order_id: int) -> None:
    """Ask WeChat Pay for an order's state and apply it; does nothing without a pay client."""
    if context.pay:
        OrderDesk(PaymentIntake(context.database, context.jobs), context.pay, context.clock).refresh(order_id)


def ask_refund(context: "WorkerContext", refund_id: int) -> None:
    ask_refunds(context, [refund_id])


def ask_refunds(context: "WorkerContext", refund_ids: list[int]) -> None:
    if context.pay:
        refunds.ask_refunds(context.database, context.pay, refund_ids, context.clock)


def return_gifts(context: "WorkerContext", run_id: int) -> None:
    refunds.return_gifts(context.database, context.jobs, run_id, context.clock())


def follow_gifts(context: "WorkerContext", disbursement_id: int) -> None:
    """Complete the allocation of an appeal's payments, one page a transaction; the sweep resumes a killed job."""
    while True:
        with Session(context.database) as db, db.begin():
            if not continue_allocation(db, disbursement_id, context.clock()):
                return


JOBS = {
    "query_order": Job(query_order),
    "ask_refund": Job(ask_refund),
    # Each refund makes up to two calls, and each call may take its whole time-out.
    "ask_refunds": Job(ask_refunds, seconds=600),
    # Slow jobs may be killed anywhere, and are started again.
    "follow_gifts": Job(follow_gifts, "slow", seconds=600),
    "return_gifts": Job(return_gifts, "slow", seconds=3600),
}
