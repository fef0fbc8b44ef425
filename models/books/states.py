"""Things and their trail: every change of state was a move that exists, and where a thing stands is where it led."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal
from models.appeals.revision import MACHINE as REVISIONS
from models.appeals.revision import Revision
from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.core.state_machine import Machine
from models.disbursements.disbursement import MACHINE as DISBURSEMENTS
from models.disbursements.disbursement import Disbursement
from models.donors.message import MACHINE as MESSAGES
from models.donors.message import GiftMessage
from models.donors.receipt import MACHINE as RECEIPTS
from models.donors.receipt import Receipt
from models.donors.recurring_gift import MACHINE as MONTHLY
from models.donors.recurring_gift import RecurringGift
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.giving.pool import MACHINE as POOLS
from models.giving.pool import MatchingPool
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.market.listing import MACHINE as LISTINGS
from models.market.listing import Listing
from models.outreach.update import MACHINE as UPDATES
from models.outreach.update import Update
from models.payments.order import MACHINE as PAY_ORDERS
from models.payments.order import PayOrder
from models.payments.refund import MACHINE as REFUNDS
from models.payments.refund import Refund
from models.staff.appointment import MACHINE as STAFF
from models.staff.member import Staff
from models.treasury.discrepancy import MACHINE as DIFFERENCES
from models.treasury.discrepancy import Discrepancy
from models.verification.case import MACHINE as CASES
from models.verification.case import Verification


@dataclass(frozen=True, slots=True)
class Kept:
    """``begins``: the states that a thing may be made in; what never moved stands in one of them."""

    machine: Machine
    table: Any
    begins: frozenset[str]


STATEFUL = (
    Kept(APPEALS, Appeal, frozenset({"draft"})),
    Kept(CASES, Verification, frozenset({"draft"})),
    Kept(PLEDGES, Pledge, frozenset({"intended"})),
    Kept(PAY_ORDERS, PayOrder, frozenset({"created"})),
    Kept(MONTHLY, RecurringGift, frozenset({"active"})),
    Kept(POOLS, MatchingPool, frozenset({"open"})),
    Kept(REFUNDS, Refund, frozenset({"owed"})),
    Kept(DIFFERENCES, Discrepancy, frozenset({"open"})),
    Kept(DISBURSEMENTS, Disbursement, frozenset({"requested"})),
    Kept(RECEIPTS, Receipt, frozenset({"asked"})),
    Kept(OFFER_MACHINE, Offer, frozenset({"draft"})),
    Kept(REQUEST_MACHINE, GoodsRequest, frozenset({"draft"})),
    Kept(LISTINGS, Listing, frozenset({"draft"})),
    Kept(REVISIONS, Revision, frozenset({"draft"})),
    Kept(MESSAGES, GiftMessage, frozenset({"submitted"})),
    Kept(UPDATES, Update, frozenset({"submitted"})),
    Kept(STAFF, Staff, frozenset({"invited", "active"})),
)


def check_states(connection: Connection, _now: datetime) -> Iterator[Violation]:
    for kept in STATEFUL:
        yield from _check(connection, kept)


def _check(connection: Connection, kept: Kept) -> Iterator[Violation]:
    """Things and trails side by side, both in the order of the things' numbers."""
    things = stream(connection, select(kept.table.id, kept.table.state).order_by(kept.table.id))
    thing = next(things, None)
    for number, moves in _trails(connection, kept.machine.subject):
        while thing and thing.id < number:
            yield from _never_moved(kept, thing)
            thing = next(things, None)
        last = None
        for move in moves:
            yield from _check_move(kept, move, last)
            last = move
        if thing is None or thing.id != number:
            yield Violation("no_such_thing", kept.machine.subject, number, "has a trail, but is not there")
            continue
        if last and last.to_state != thing.state:
            yield _differs(kept, thing, f"its last move (link {last.id}) led to {last.to_state}")
        thing = next(things, None)
    while thing:
        yield from _never_moved(kept, thing)
        thing = next(things, None)


def _trails(connection: Connection, subject: str) -> Iterator[tuple[int, Iterator[Row[Any]]]]:
    event = AuditEvent
    moves = (
        select(event.id, event.subject_id, event.from_state, event.to_state)
        .where(event.subject == subject, event.to_state.is_not(None))
        .order_by(event.subject_id, event.id)
    )
    return groupby(stream(connection, moves), key=lambda move: move.subject_id)


def _check_move(kept: Kept, move: Row[Any], last: Row[Any] | None) -> Iterator[Violation]:
    subject, number = kept.machine.subject, move.subject_id
    if (move.from_state, move.to_state) not in kept.machine.moves:
        words = f"went from {move.from_state} to {move.to_state} (link {move.id}), which is no move"
        yield Violation("no_such_move", subject, number, words)
    begins = {last.to_state} if last else kept.begins
    if move.from_state not in begins:
        words = f"moved from {move.from_state} (link {move.id}), but stood in {' or '.join(sorted(begins))}"
        yield Violation("trail_gap", subject, number, words)


def _never_moved(kept: Kept, thing: Row[Any]) -> Iterator[Violation]:
    if thing.state not in kept.begins:
        yield _differs(kept, thing, "nothing moved it there")


def _differs(kept: Kept, thing: Row[Any], why: str) -> Violation:
    return Violation("state_differs", kept.machine.subject, thing.id, f"stands in {thing.state}, but {why}")
