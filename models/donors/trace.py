"""查: trace where the money of one gift is now, in dates and facts, for anyone who has the gift's code.

The trace names no donor or family, and shows nothing of other gifts: of a payout it gives this gift's share alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import Payee
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.giving.pool import MatchingPool, PoolMatch
from models.ledger import find
from models.ledger.tables import LedgerLink, LedgerTransaction
from models.organisations.collector import Collector, find_collector
from models.payments.order import PayOrder
from models.payments.refund import OPEN, UNASSIGNED, Refund
from models.payments.refund_entitlement import orders_of
from models.payments.suspense import SuspenseItem

# A gift in one of these states is held for its appeal, or was spent on it, at least in part.
GIVEN = ("committed", "partly_disbursed", "settled")


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a gift. ``number``: its transaction in the public ledger; None where it has none.

    ``kind`` is one of: promised · paid · made_of: redirected here from a gift to ``appeal`` · spent: on the budget's
    ``item``, to a payee of the kind ``payee``; ``state`` is the disbursement's, ``confirmed_at`` when the household
    answered · goes_back, gone_back: a refund that is owed, or paid, for the reason ``state`` · matched, unmatched: a
    match by the sponsor ``title``, and its return · redirected: to the ``appeal`` of this ``title``, as the gift
    ``code``.
    """

    kind: str
    at: datetime
    fen: int
    number: int | None = None
    item: str = ""
    payee: str = ""
    state: str = ""
    confirmed_at: datetime | None = None
    appeal: int = 0
    title: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of a gift. ``held_fen``: held for the appeal now. ``spent_fen``: paid out.

    ``stopped``: the appeal is frozen. ``closed``: it takes no gifts any more, so that a promise need not be kept.
    ``collector``: the charity that collects for it.
    ``pay_by``: until when the pledge can be paid; None if it does not wait for that.
    """

    code: str
    appeal: int
    title: str
    amount_fen: int
    state: str
    stopped: bool
    pay_by: datetime | None
    collector: Collector | None
    held_fen: int
    spent_fen: int
    steps: Sequence[Step]
    closed: bool = False


# A step, and the (kind, cause) of its ledger transaction; None where it has none.
_Posted = tuple[Step, tuple[str, str] | None]


def is_gift_of(db: Session, code: str, user_id: int | None) -> bool:
    return db.scalar(select(Pledge.id).where(Pledge.code == code, Pledge.donor_id == user_id)) is not None


def find_trace(db: Session, code: str) -> Trace | None:
    """Trace the gift with exactly this code, the same for every reader. None: no gift has it."""
    found = db.execute(select(Pledge, Appeal).join(Appeal, Appeal.id == Pledge.appeal_id).where(Pledge.code == code))
    row = found.first()
    if row is None:
        return None
    pledge, appeal = row
    refunds = db.scalars(select(Refund).where(Refund.pledge_id == pledge.id).order_by(Refund.id)).all()
    spent = _spent(db, pledge)
    steps = [*_came(db, pledge), *_matched(db, pledge), *spent, *(_went_back(db, refund) for refund in refunds)]
    spent_fen = sum(step.fen for step, _ in spent)
    return Trace(
        code=pledge.code,
        appeal=appeal.id,
        title=appeal.title,
        amount_fen=pledge.amount_fen,
        state=pledge.state,
        stopped=appeal.state == "frozen",
        pay_by=pledge.pay_by if pledge.state == "awaiting_payment" else None,
        collector=find_collector(db, appeal.charity_id, appeal.filing_id),
        held_fen=pledge.amount_fen - spent_fen if pledge.state in GIVEN else 0,
        spent_fen=spent_fen,
        steps=_numbered(db, steps),
        closed=appeal.state not in ("funding", "frozen"),
    )


def _came(db: Session, pledge: Pledge) -> list[_Posted]:
    before = db.execute(
        select(Refund, Pledge.appeal_id)
        .join(Pledge, Pledge.id == Refund.pledge_id)
        .where(Refund.redirected_to == pledge.id)
    ).first()
    if before:
        refund, appeal_id = before
        made = Step("made_of", pledge.created_at, refund.amount_fen, appeal=appeal_id)
        return [(made, ("refund_redirected", refund.cause))]
    promised: _Posted = (Step("promised", pledge.created_at, pledge.amount_fen), None)
    order = orders_of(db, [pledge]).get(pledge.id)
    if order is None or order.paid_at is None:
        return [promised]
    return [promised, (Step("paid", order.paid_at, order.amount_fen), _payment(db, order))]


def _payment(db: Session, order: PayOrder) -> tuple[str, str]:
    """Return the (kind, cause) of the payment's ledger transaction.

    A late or excess payment was never the appeal's; a suspense item became the gift by a decision.
    """
    same = (SuspenseItem.merchant == order.merchant) & (SuspenseItem.transaction_id == order.transaction_id)
    item = db.scalar(select(SuspenseItem).where(same))
    if item:
        return "payment_assigned", item.cause
    unassigned = select(Refund.id).where(Refund.pay_order_id == order.id, Refund.reason.in_(UNASSIGNED))
    late = db.scalar(unassigned.where(Refund.suspense_item_id.is_(None)).limit(1))
    return "payment_unassigned" if late else "payment_received", order.cause


def _matched(db: Session, pledge: Pledge) -> list[_Posted]:
    """List the gift's matches by sponsors, and what of them was returned to the pools."""
    rows = db.execute(
        select(PoolMatch, MatchingPool.sponsor)
        .join(MatchingPool, MatchingPool.id == PoolMatch.pool_id)
        .where(PoolMatch.pledge_id == pledge.id)
        .order_by(PoolMatch.id)
    )
    steps: list[_Posted] = []
    for match, sponsor in rows:
        steps.append((Step("matched", match.at, match.fen, title=sponsor), ("matched", match.cause)))
        returned = find(db, "match_returned", match.return_cause) if match.returns else None
        if returned:
            step = Step("unmatched", returned.at, match.returned_fen, title=sponsor)
            steps.append((step, ("match_returned", match.return_cause)))
    return steps


def _spent(db: Session, pledge: Pledge) -> list[_Posted]:
    share = DisbursementShare
    rows = db.execute(
        select(share.amount_fen, Disbursement, BudgetLine.item, Payee.kind)
        .join(Disbursement, Disbursement.id == share.disbursement_id)
        .join(BudgetLine, BudgetLine.id == Disbursement.line_id)
        .join(Payee, Payee.id == Disbursement.payee_id)
        .where(share.pledge_id == pledge.id, share.amount_fen > 0)
        .order_by(Disbursement.paid_at, Disbursement.id)
    )
    return [
        (
            Step(
                "spent",
                paid.paid_at or paid.created_at,
                fen,
                item=item,
                payee=kind,
                state=paid.state,
                confirmed_at=paid.confirmed_at,
            ),
            ("disbursed", f"disbursement:{paid.id}"),
        )
        for fen, paid, item, kind in rows
    ]


def _went_back(db: Session, refund: Refund) -> _Posted:
    fen, reason = refund.amount_fen, refund.reason
    if refund.redirected_to and refund.ended_at:
        to = db.get_one(Pledge, refund.redirected_to)
        title = db.get_one(Appeal, to.appeal_id).title
        step = Step("redirected", refund.ended_at, fen, state=reason, appeal=to.appeal_id, title=title, code=to.code)
        return step, ("refund_redirected", refund.cause)
    if refund.state in OPEN or refund.ended_at is None:
        owed = "refund_from_unassigned" if reason in UNASSIGNED else "refund_owed"
        return Step("goes_back", refund.created_at, fen, state=reason), (owed, refund.cause)
    return Step("gone_back", refund.ended_at, fen, state=reason), ("refund_paid", refund.cause)


def _numbered(db: Session, steps: Iterable[_Posted]) -> list[Step]:
    """Sort the steps by time and add each one's number in the public ledger."""
    steps = sorted(steps, key=lambda posted: posted[0].at)
    wanted = [key for _, key in steps if key]
    entry = LedgerTransaction
    rows = db.execute(
        select(entry.kind, entry.cause, LedgerLink.number)
        .join(LedgerLink, LedgerLink.transaction_id == entry.id)
        .where(tuple_(entry.kind, entry.cause).in_(wanted))
    )
    numbers = {(row.kind, row.cause): row.number for row in rows} if wanted else {}
    return [replace(step, number=numbers.get(key)) if key else step for step, key in steps]
