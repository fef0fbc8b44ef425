"""The jobs of the money of orders."""

from typing import TYPE_CHECKING

from bot.market.bills import fetch_order_bills as fetch_bills
from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake
from bot.market.transfers import send_transfers as send
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def query_order_payment(context: "WorkerContext", number: int) -> None:
    """Ask WeChat Pay for the state of a payment and apply it; does nothing without a partner's account."""
    if context.partner:
        intake = OrderPaymentIntake(context.database, context.jobs)
        OrderPaymentDesk(intake, context.partner, context.clock).refresh(number)


def send_transfers(context: "WorkerContext", numbers: list[int]) -> None:
    if context.partner:
        send(context.database, context.partner, context.jobs, numbers, context.clock)


def fetch_order_bills(context: "WorkerContext", day: int) -> None:
    """Fetch the bills of a day (20261125) of sellers' accounts, and compare them with the orders."""
    if context.partner:
        fetch_bills(context.database, context.partner, context.jobs, day, context.clock)


JOBS = {
    "query_order_payment": Job(query_order_payment),
    # Each makes up to two calls, and each call may take its whole time-out.
    "send_transfers": Job(send_transfers, seconds=600),
    # A call for each seller, and one for each lost callback.
    "fetch_order_bills": Job(fetch_order_bills, "slow", seconds=3600, backoff=(60, 600)),
}
