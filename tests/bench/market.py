"""``make bench ARGS=market``: how long it takes to end or to cut a harvest's orders, to pay them back, and to divide a
campaign."""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session

from bot.payments.refunds import MOST_DUE
from bot.processes.postgres import EmbeddedPostgres
from models.books.goods.stock import check_stock
from models.books.market.lots import check_lots
from models.books.market.order_money import check_order_money
from models.books.market.orders import check_orders
from models.market.listing import Listing
from models.market.lots.clock import due_lots, move_on
from models.market.money.account import post_each
from models.market.money.payment import OrderPayment
from models.market.money.sending import begin_submission, lease_due
from models.market.money.sub_merchant import Owner, add_sub_merchant
from models.market.orders.clock import complete_delivered, end_overdue_orders
from models.market.orders.order import LASTS, Order
from models.market.orders.pricing import total_of
from models.migrations import upgrade
from models.stock.move import move
from tests.bench.division import divided
from tests.harness.stage import Stage, seed_regions
from tests.scenes.market import JIN, Market

PER_ORDER = 10 * JIN
BUYERS = 50
RIPE_IN = 20
SUB_MERCHANT = "1900000110"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=market")
    parser.add_argument("--orders", type=int, default=5_000, help="of a harvest; 0: none")
    parser.add_argument("--parts", type=int, default=5_000, help="of a campaign; 0: none")
    parser.add_argument("--growers", type=int, default=200)
    given = parser.parse_args(arguments)
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        seed_regions(server.url)
        stage = Stage(server.url)
        if given.parts:
            divided(stage, given.parts, given.growers)
        if given.orders:
            _harvest(Market(stage), given.orders)
        stage.close()


def _harvest(market: Market, orders: int) -> None:
    market.seller()
    for number in range(BUYERS):
        market.buyer("buyer" if number == 0 else f"buyer{number}")
    _picked(market, orders)
    _failed(market, orders)
    _paid_back(market, orders)
    _short(market, orders)
    with market.stage.database.connect() as connection:
        for check in (check_orders, check_lots, check_stock):
            assert list(check(connection, market.stage.clock())) == []


def _picked(market: Market, orders: int) -> None:
    """All of a lot is picked, sent, arrives and is kept."""
    listing = _fill(market, orders)
    _timed(f"{orders:,} buyers hear that it is picked", lambda: _said(market, listing, orders))
    _leave(market, listing)
    market.stage.clock.move(LASTS["shipped"] + timedelta(seconds=1))
    _timed(f"{orders:,} parcels count as arrived", lambda: _until_done(market, end_overdue_orders))
    market.stage.clock.move(LASTS["delivered"] + timedelta(seconds=1))
    _timed(f"{orders:,} orders are completed", lambda: _until_done(market, complete_delivered))


def _failed(market: Market, orders: int) -> None:
    """The window of a lot ends without a word."""
    listing = _fill(market, orders)
    _until_failed(market, listing)
    _timed(f"{orders:,} orders of a lot that failed are cancelled", lambda: _until_done(market, _lots) * orders)
    assert market.lot(listing).state == "failed"


def _short(market: Market, orders: int) -> None:
    """A lot brings half of what was ordered, and then half of that: each buyer is asked, or asked again."""
    listing = _fill(market, orders)
    for what, left in (("cut to a half", 2), ("cut to a quarter", 4)):
        grams = orders * PER_ORDER // left
        _timed(f"{orders:,} orders are {what}", lambda grams=grams: _reduced(market, listing, grams, orders))  # type: ignore[misc]
    assert market.stock(listing) == (0, orders * PER_ORDER // 4, 0)


def _reduced(market: Market, listing: int, grams: int, orders: int) -> int:
    market.reduce(listing, grams)
    return orders


def _paid_back(market: Market, orders: int) -> None:
    """The window of a lot ends without a word, and all was paid by WeChat Pay."""
    listing = _fill(market, orders)
    with market.session() as db:
        add_sub_merchant(db, Owner("user", market.people["seller"]), SUB_MERCHANT, market.stage.clock())
        _pay_all(db, listing, market.stage.clock())
    _until_failed(market, listing)
    _timed(f"{orders:,} paid orders are cancelled, and owed back", lambda: _until_done(market, _lots) * orders)
    assert market.lot(listing).state == "failed"
    _timed("their refunds are leased and marked as asked for", lambda: _ask_all(market))
    with market.stage.database.connect() as connection:
        assert list(check_order_money(connection, market.stage.clock())) == []


def _pay_all(db: Session, listing: int, now: datetime) -> None:
    db.execute(update(Order).where(Order.listing_id == listing).values(paid_at=now))
    found = db.execute(select(Order.id, Order.total_fen).where(Order.listing_id == listing)).all()
    rows = [
        {
            **{"order_id": order, "sub_merchant": SUB_MERCHANT, "out_trade_no": f"T{order}", "amount_fen": fen},
            **{"state": "paid", "transaction_id": f"W{order}", "paid_fen": fen, "paid_at": now},
            **{"created_at": now, "expires_at": now, "check_at": now},
        }
        for order, fen in found
    ]
    db.execute(insert(OrderPayment), rows)
    paid = db.execute(select(OrderPayment.order_id, OrderPayment.paid_fen, OrderPayment.id)).all()
    post_each(db, "promised", [(order, fen, f"order:{order}") for order, fen in found], now)
    post_each(db, "paid", [(order, fen or 0, f"payment:{number}") for order, fen, number in paid], now)


def _ask_all(market: Market) -> int:
    """Lease them as the sweep does, and begin each as its job does, in a transaction of its own."""
    count, database, now = 0, market.stage.database, market.stage.clock()
    while True:
        with Session(database) as db, db.begin():
            due = lease_due(db, now, MOST_DUE)
        if not due:
            return count
        for number in due:
            with Session(database) as db, db.begin():
                assert begin_submission(db, number, now)
        count += len(due)


def _until_failed(market: Market, listing: int) -> None:
    """Let the clock come to the moment at which a lot fails of which nobody says a word."""
    for _ in range(2):
        market.stage.clock.move((market.lot(listing).due_at or market.stage.clock()) - market.stage.clock())
        _until_done(market, _lots)
    market.stage.clock.move((market.lot(listing).due_at or market.stage.clock()) - market.stage.clock())


def _lots(db: Session, now: datetime) -> int:
    return sum(move_on(db, number, now) for number in due_lots(db, now))


def _said(market: Market, listing: int, orders: int) -> int:
    market.harvest(listing)
    return orders


def _fill(market: Market, orders: int) -> int:
    """Have one pre-order of which so many orders are accepted."""
    listing = market.sell(orders * PER_ORDER, ripe_in=RIPE_IN)
    first, now = market.order(listing, PER_ORDER), market.stage.clock()
    market.accept(first)
    with market.session() as db:
        held = db.get_one(Listing, listing, with_for_update=True)
        move(db, held, "reserve", (orders - 1) * PER_ORDER, "bench", now)
        found = db.get_one(Order, first)
        same = {
            column.key: getattr(found, column.key)
            for column in Order.__table__.columns
            if column.key not in ("id", "draft_id", "code", "buyer_id")
        }
        assert found.total_fen == total_of(found.price_fen, PER_ORDER, "jin")
        buyers = [number for name, number in market.people.items() if name != "seller"]
        rows = [
            {**same, "draft_id": f"{listing}-{n}", "code": f"{listing}{n:06}", "buyer_id": buyers[n % len(buyers)]}
            for n in range(orders - 1)
        ]
        db.execute(insert(Order), rows)
    return listing


def _leave(market: Market, listing: int) -> None:
    """All of it is on its way: the first by the seller's word, the others with it."""
    now = market.stage.clock()
    with market.session() as db:
        first = db.scalars(select(Order.id).where(Order.listing_id == listing).order_by(Order.id).limit(1)).one()
    market.send(first)
    with market.session() as db:
        others = update(Order).where(Order.listing_id == listing, Order.id != first)
        db.execute(others.values(state="shipped", shipped_at=now, due_at=now + LASTS["shipped"]))


def _until_done(market: Market, apply: Callable[[Session, datetime], int]) -> int:
    """Apply it as the sweep does, in transactions of their own, until nothing is left to do."""
    count, database = 0, market.stage.database
    while done := _once(database, apply, market.stage.clock()):
        count += done
    return count


def _once(database: Engine, apply: Callable[[Session, datetime], int], now: datetime) -> int:
    with Session(database) as db, db.begin():
        return apply(db, now)


def _timed(what: str, run: Callable[[], int]) -> None:
    begun = time.perf_counter()
    count = run()
    seconds = time.perf_counter() - begun
    print(f"{what}: {seconds:.1f} s, {1000 * seconds / max(count, 1):.1f} ms each")
