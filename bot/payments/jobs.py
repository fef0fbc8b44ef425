"""The jobs of pay orders, refunds and payouts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bot.payments import refunds
from bot.payments.orders import Cashier, Till
from bot.work.job import Job
from models.payments.payout_return import continue_shares

if TYPE_CHECKING:
    from bot.work.errands import Errands


def query_order(errands: "Errands", order_id: int) -> None:
    """What became of an order at WeChat Pay."""
    if errands.pay:
        Cashier(Till(errands.database, errands.jobs), errands.pay, lambda: datetime.now(UTC)).settle(order_id)


def ask_refund(errands: "Errands", refund_id: int) -> None:
    ask_refunds(errands, [refund_id])


def ask_refunds(errands: "Errands", refund_ids: list[int]) -> None:
    if errands.pay:
        refunds.ask_refunds(errands.database, errands.pay, refund_ids)


def return_gifts(errands: "Errands", run_id: int) -> None:
    refunds.return_gifts(errands.database, errands.jobs, run_id, datetime.now(UTC))


def follow_gifts(errands: "Errands", disbursement_id: int) -> None:
    """Let all gifts give their shares to a payment, a page a transaction; a killed one is gone on with by the clock."""
    while True:
        with Session(errands.database) as db, db.begin():
            if not continue_shares(db, disbursement_id, datetime.now(UTC)):
                return


JOBS = {
    "query_order": Job(query_order),
    "ask_refund": Job(ask_refund),
    # Each of them may take both of its calls' time-outs.
    "ask_refunds": Job(ask_refunds, seconds=600),
    # What is slow may be cut off anywhere, and is begun anew.
    "follow_gifts": Job(follow_gifts, "slow", seconds=600),
    "return_gifts": Job(return_gifts, "slow", seconds=3600),
}
