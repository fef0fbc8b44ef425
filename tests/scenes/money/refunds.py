"""Refunds on the stage: what the platform says of them, and the books with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, BudgetLine, end_overdue, get_appeal
from models.books import violations
from models.disbursements.allocation import allocate_page
from models.disbursements.allocation_run import begin_run, end_run
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import Payee
from models.giving.pledge import Pledge
from models.ledger import held, lock, moves
from models.payments.order import PayOrder
from models.payments.refund import BESIDE, Refund
from models.payments.refund_entitlement import request_refund
from models.payments.refund_result import RefundOutcome, apply_refund_result
from models.payments.refund_run import live_runs, plan_page
from models.payments.suspense import SuspenseItem
from models.people.user import User
from tests.harness.money.first_charity import CHANNEL
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give

# On the stage these are passed by nobody who would stand in a queue.
BY_NOBODY = ("appeal", "case", "task", "disbursement", "bill_day")
# Nor does anybody here ask what became of an order that nobody paid.
UNASKED = "order_not_settled"
# A bank account of the first charity, of no fund holder on the stage.
HOLDER = 430000000000


@dataclass(frozen=True)
class News:
    merchant: str
    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    state: str
    fen: int
    order_fen: int
    done_at: datetime | None


def refund_of(stage: Stage, pledge: int) -> Refund:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(Refund).where(Refund.pledge_id == pledge, Refund.reason.not_in(BESIDE))).one()


def code_of(stage: Stage, pledge: int) -> str:
    with Database(stage.database) as db:
        return db.get_one(Pledge, pledge).code


def want_back(stage: Stage, pledge: int) -> Refund:
    """Its donor has asked for it. Raises what models.payments.refund_entitlement.request_refund does."""
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        gift = db.get_one(Pledge, pledge)
        return request_refund(db, db.get_one(User, gift.donor_id), gift.code, stage.clock())


def news_of(stage: Stage, refund: Refund, state: str = "SUCCESS", **changes: Any) -> News:
    with Database(stage.database) as db:
        order = db.get_one(PayOrder, refund.pay_order_id)
        number = refund.suspense_item_id
        paid: PayOrder | SuspenseItem = db.get_one(SuspenseItem, number) if number else order
        fields = {
            "merchant": refund.merchant,
            "out_refund_no": refund.number,
            "refund_id": f"50000{refund.id:09d}",
            "out_trade_no": order.out_trade_no,
            "transaction_id": paid.transaction_id,
            "state": state,
            "fen": refund.amount_fen,
            "order_fen": paid.amount_fen,
            "done_at": stage.clock() if state == "SUCCESS" else None,
        }
    return News(**fields | changes)


def hear(stage: Stage, news: News) -> RefundOutcome:
    with Database(stage.database) as db, db.begin():
        return apply_refund_result(db, news, stage.clock())


def fail(stage: Stage, appeal: int) -> None:
    """Its last day is over, with too little given."""
    with Database(stage.database) as db, db.begin():
        held = get_appeal(db, appeal, lock=True)
        stage.clock.now = held.closes_at + timedelta(hours=1)
        end_overdue(db, held, stage.clock())


def spend(stage: Stage, appeal: int, fen: int, holder: int = HOLDER) -> None:
    """Paid out for what it is for, in the ledger and of whose gifts; nobody has asked for it or passed it.

    All that the channel has, or as much as is paid out, is settled before.
    """
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        owner = get_appeal(db, appeal, lock=True).owner_id
        line = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == appeal)).first()
        number = 1 + len(db.scalars(select(Disbursement.id)).all())
        payee = Payee(draft_id=f"payee-{number}", appeal_id=appeal, kind="shop", added_by=owner, fixed_at=now)
        db.add(payee)
        db.flush()
        use = Disbursement(
            draft_id=f"use-{number}",
            code=f"USE{number}",
            appeal_id=appeal,
            line_id=line.id if line else 0,
            payee_id=payee.id,
            amount_fen=fen,
            requested_by=owner,
            created_at=now,
        )
        db.add(use)
        db.flush()
        run = begin_run(db, use, held(db, [appeal])[appeal])
        settle_all(db, holder, f"test:{number}", now, None if holder != HOLDER else fen)
        moves.disbursed(db, appeal, holder, fen, f"disbursement:{use.id}", now)
        while allocate_page(db, run, now):
            pass
        end_run(db, run)


def settle_all(db: Database, holder: int, cause: str, now: datetime, fen: int | None = None) -> None:
    """What the channel has is at the bank; or ``fen`` of it."""
    if fen := fen or lock(db, [CHANNEL])[CHANNEL].balance_fen:
        moves.settled(db, holder, fen, 0, cause, now)


def given(stage: Stage, openid: str, appeal: int, fen: int, fallback: str = "refund") -> str:
    """A gift that has come; its code. ``fallback``: what its donor chose while paying."""
    pledge = give(stage, appeal, fen, openid)
    with Database(stage.database) as db, db.begin():
        db.get_one(Pledge, pledge).fallback = fallback
    return code_of(stage, pledge)


def hear_of_newest(stage: Stage, state: str) -> None:
    """What the platform says of the newest refund."""
    with Database(stage.database, expire_on_commit=False) as db:
        refund = db.scalars(select(Refund).order_by(Refund.id.desc()).limit(1)).one()
    hear(stage, news_of(stage, refund, state))


def fail_and_plan(stage: Stage, appeal: int) -> None:
    """It fails, and all its gifts have their refunds."""
    fail(stage, appeal)
    for number in runs(stage):
        while plan(stage, number):
            pass


def runs(stage: Stage) -> list[int]:
    with Database(stage.database) as db:
        return list(live_runs(db))


def plan(stage: Stage, number: int) -> bool:
    """The next page of a run; False when there is none."""
    with Database(stage.database) as db, db.begin():
        return plan_page(db, number, stage.clock()) is not None


def state_of(stage: Stage, table: type[Pledge] | type[PayOrder] | type[Refund] | type[Appeal], number: int) -> str:
    with Database(stage.database) as db:
        return str(db.scalar(select(table.state).where(table.id == number)))


def wrong_books(stage: Stage) -> list[str]:
    with stage.database.connect() as connection:
        found = [one for one in violations(connection, stage.clock()) if one.subject not in BY_NOBODY]
    return [str(one) for one in found if one.code != UNASKED]
