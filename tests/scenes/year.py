"""What must be true of the demo's year, however much of it was grown."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.books.check import check_books
from bot.books.export import export_ledger
from bot.demo.paid_orders import paid_orders
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from models.appeals.appeal import Appeal
from models.disbursements.disbursement import Disbursement
from models.giving.pledge import Pledge
from models.goods.matches.match import Match
from models.outreach.update import Update
from models.payments.order import PayOrder
from models.treasury.bill import BillDay
from models.verification.case import Verification
from tests.harness.platform.wechat import ACCOUNT
from tests.scenes.export import verify

# What the shortest year that is grown has in it, by table.
STATES: dict[Any, set[str]] = {
    Verification: {"registry_checked", "public_notice", "adjudication", "county_review", "verified", "rejected"},
    Appeal: {
        "submitted",
        "returned",
        "rejected",
        "endorsed",
        "funding",
        "cancelled",
        "frozen",
        "completed",
    },
    Pledge: {"awaiting_payment", "committed", "settled", "refunded"},
    Disbursement: {"acquitted"},
    Update: {"published"},
    Match: {
        "proposed",
        "recipient_ok",
        "donor_ok",
        "in_transit",
        "at_point",
        "collected",
        "confirmed",
        "issue",
        "lost",
    },
    BillDay: {"compared"},
}


def wrong_in(url: str, at: datetime) -> Counter[str]:
    return check_books(url, at).found


def missing_states(database: Engine, wanted: dict[Any, set[str]]) -> dict[str, set[str]]:
    with Session(database) as db:
        there = {table: set(db.scalars(select(table.state).distinct())) for table in wanted}
    return {table.__tablename__: lacks for table, states in wanted.items() if (lacks := states - there[table])}


def verified_ledger(url: str, folder: Path, at: datetime) -> tuple[int, str]:
    """Export the public ledger, and let a stranger verify it."""
    lexicon = load_lexicon()
    export_ledger(url, folder, Renderer(lexicon.words, lexicon.choices).env, at)
    return verify(folder)


def paid_in_books(database: Engine) -> set[tuple[str, int]]:
    with Session(database) as db:
        paid = select(PayOrder.transaction_id, PayOrder.amount_fen).where(PayOrder.state == "paid")
        return {(number or "", fen) for number, fen in db.execute(paid)}


def paid_for_simulator(database: Engine) -> set[tuple[str, int]]:
    with Session(database) as db:
        return {(one["transaction_id"], one["total"]) for one in paid_orders(db, ACCOUNT, "http://127.0.0.1")}


def count(database: Engine, table: Any) -> int:
    with Session(database) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0
