"""``make bench ARGS=market``: how long the orders of a harvest take to end, when all are due in one night."""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from bot.processes.postgres import EmbeddedPostgres
from models.books.orders import check_orders
from models.market.listing import Listing
from models.market.orders.clock import complete_delivered, end_overdue_orders
from models.market.orders.order import LASTS, Order
from models.market.orders.pricing import total_of
from models.migrations import upgrade
from models.stock.move import move
from tests.harness.stage import Stage, seed_regions
from tests.scenes.market import JIN, Market

PER_ORDER = 10 * JIN


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=market")
    parser.add_argument("--orders", type=int, default=5_000)
    given = parser.parse_args(arguments)
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        seed_regions(server.url)
        market = Market(Stage(server.url))
        market.seller()
        market.buyer()
        _fill(market, given.orders, "shipped")
        market.stage.clock.move(LASTS["shipped"] + timedelta(seconds=1))
        _timed(f"{given.orders:,} parcels count as arrived", lambda: _until_done(market, end_overdue_orders))
        market.stage.clock.move(LASTS["delivered"] + timedelta(seconds=1))
        _timed(f"{given.orders:,} orders are completed", lambda: _until_done(market, complete_delivered))
        with market.stage.database.connect() as connection:
            assert list(check_orders(connection, market.stage.clock())) == []
        market.stage.close()


def _fill(market: Market, orders: int, state: str) -> None:
    """Have one listing of which so many orders are on their way."""
    listing = market.sell(orders * PER_ORDER)
    first, now = market.order(listing, PER_ORDER), market.stage.clock()
    market.send(first)
    with market.session() as db:
        held = db.get_one(Listing, listing, with_for_update=True)
        move(db, held, "reserve", (orders - 1) * PER_ORDER, "bench", now)
        found = db.get_one(Order, first)
        same = {
            column.key: getattr(found, column.key)
            for column in Order.__table__.columns
            if column.key not in ("id", "draft_id", "code")
        }
        assert found.total_fen == total_of(found.price_fen, PER_ORDER, "jin")
        rows = [{**same, "draft_id": f"bench-{n}", "code": f"B{n:07}", "state": state} for n in range(orders - 1)]
        db.execute(insert(Order), rows)


def _until_done(market: Market, apply: Callable[[Session, datetime], int]) -> int:
    """Apply it as the sweep does, in transactions of their own, until nothing is left to do."""
    count, database = 0, market.stage.database
    while done := _once(database, apply, market.stage.clock()):
        count += done
    with Session(database) as db:
        assert db.scalar(select(Order.id).where(Order.due_at <= market.stage.clock()).limit(1)) is None
    return count


def _once(database: Engine, apply: Callable[[Session, datetime], int], now: datetime) -> int:
    with Session(database) as db, db.begin():
        return apply(db, now)


def _timed(what: str, run: Callable[[], int]) -> None:
    begun = time.perf_counter()
    count = run()
    seconds = time.perf_counter() - begun
    print(f"{what}: {seconds:.1f} s, {1000 * seconds / max(count, 1):.1f} ms each")
