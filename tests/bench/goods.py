"""``make bench ARGS=goods``: what fair rounds bring beside first come, first served, and what they cost.

A simulated county's year by both versions of the rule on one stream; then, in PostgreSQL, a round of thousands of
candidates, and the queries that find what matches among the open offers and requests of a country.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from bot.processes.postgres import EmbeddedPostgres
from bot.work.clock import true_now
from models.core.database import connect
from models.core.encryption import Keyring, keyring, purpose_of, use_keyring
from models.goods.exchange import GoodsRequest, Offer
from models.goods.need_notifications import notify_donors
from models.goods.points.point import Point
from models.goods.rounds.draw import draw, keys_of
from models.goods.rounds.gathering import Goods, anybody, gather, standings
from models.goods.rounds.opening import offers_in_turn, open_for_request, open_round
from models.goods.rounds.round import Candidate, Round
from models.goods.rounds.rule import FAIR, FIRST_COME, OVERTAKEN_FOR_DAYS, order
from models.goods.rules import GoodsRules
from models.migrations import upgrade
from models.staff.member import Staff
from models.wiring import wire
from tests.bench.goods_year import each_figure, figures, run
from tests.harness.stage import seed_regions

FILL = Path(__file__).with_suffix(".sql")
ROUNDS, ROUND_READ = 20, 7
# Where every candidate of the real round lives; the country's other rows lie elsewhere.
COUNTY = "431124"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=goods")
    parser.add_argument("--households", type=int, default=3_000)
    parser.add_argument("--year-offers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--candidates", type=int, default=5_000)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=500_000)
    given = parser.parse_args(arguments)
    _year(given.seed, given.households, given.year_offers)
    use_keyring(Keyring([bytes(32)]))
    wire()
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        seed_regions(server.url)
        database = connect(server.url)
        _fill(database, given)
        _round(database, given.candidates)
        _queries(database, given.offers, given.requests)
        database.dispose()


def _year(seed: int, households: int, offers: int) -> None:
    print(f"\na year of {households:,} households and {offers:,} offers, from seed {seed}\n")
    counties = {version: run(seed, households, offers, version) for version in (FAIR, FIRST_COME)}
    fair, first_come = (figures(counties[version]) for version in (FAIR, FIRST_COME))
    print(f"{'':24}{'fair rounds':>14}{'first come':>14}{'ratio':>8}")
    for name, mine, theirs in each_figure(fair, first_come):
        ratio = f"{mine / theirs:8.3f}" if theirs else f"{'-':>8}"
        print(f"{name:24}{mine:14.3f}{theirs:14.3f}{ratio}")
    print(f"parts collected: {fair.given:,} and {first_come.given:,}")
    print(
        f"nobody who renews waits more than {OVERTAKEN_FOR_DAYS} days longer than the longest by first come: "
        f"{first_come.longest + OVERTAKEN_FOR_DAYS} days (the longest was {fair.longest}); "
        f"nobody was overtaken by who asked more than {counties[FAIR].overtaken} days later"
    )


def _fill(database: Engine, given: argparse.Namespace) -> None:
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # The rows fit together as they are made; looking up each foreign key would take minutes.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        sealed = {
            "name": keyring().seal("n", purpose_of(Staff.name)).hex(),
            "phone": keyring().seal("1", purpose_of(Point.phone)).hex(),
        }
        filled = FILL.read_text(encoding="utf-8").format(**vars(given), **sealed, county=COUNTY)
        for statement in filled.rstrip().removesuffix(";").split(";\n"):
            connection.execute(text(statement))
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def _round(database: Engine, candidates: int) -> None:
    """Time the ordering of a real round, its reading included, and the whole draw of forty parts."""
    now = true_now()
    with Session(database) as db, db.begin():
        goods = Goods(db.scalars(select(Offer).where(Offer.sort == "round")).one())
        open_round(db, goods, now - timedelta(days=2), GoodsRules())
    took = []
    for _ in range(ROUND_READ):
        with Session(database) as db:
            goods = Goods(db.scalars(select(Offer).where(Offer.sort == "round")).one())
            begin = time.perf_counter()
            found = gather(db, goods, now)
            keys = keys_of(1, [each.request.id for each in found])
            ordered = order(FAIR, "00", standings(db, goods, found, keys, now))
            took.append(time.perf_counter() - begin)
    print(
        f"\na round of {len(ordered):,} candidates (of {candidates:,}), read and ordered: "
        f"median {statistics.median(took):.2f} s, the first of the process {took[0]:.2f} s"
    )
    with Session(database) as db:
        number = db.scalars(select(Round.id).where(Round.state == "gathering")).one()
        begin = time.perf_counter()
        with db.begin_nested():
            draw(db, number, now)
        db.commit()
        rows = db.scalar(select(text("count(*)")).select_from(Candidate))
    print(f"drawn with {rows:,} rows kept and every part proposed in {time.perf_counter() - begin:.2f} s")


def _queries(database: Engine, offers: int, requests: int) -> None:
    print(f"\n{offers:,} open offers and {requests:,} open requests; milliseconds\n")
    print(f"{'':40}{'median':>8}{'most':>8}  the slowest statement by itself")
    now = true_now()
    with Session(database) as db:
        offer = db.scalars(select(Offer.id).where(Offer.sort == "s7").limit(1)).one()
        request = db.scalars(select(GoodsRequest.id).where(GoodsRequest.sort == "s7").limit(1)).one()
        gone = db.scalars(select(GoodsRequest.id).where(GoodsRequest.sort == "gone").limit(1)).one()
    rules = GoodsRules()
    looked_at: dict[str, Callable[[Session], object]] = {
        "who could get something of an offer": lambda db: anybody(db, Goods(db.get_one(Offer, offer)), now),
        "what a request could get something of": lambda db: open_for_request(
            db, db.get_one(GoodsRequest, request), now, rules
        ),
        "which offers are looked at next": lambda db: offers_in_turn(db, now),
        "whose gifts of it are all gone": lambda db: notify_donors(db, db.get_one(GoodsRequest, gone), now),
    }
    for name, do in looked_at.items():
        _measure(database, name, do)


def _measure(database: Engine, name: str, do: Callable[[Session], object]) -> None:
    """Print how long it takes, and its slowest statement, run again under EXPLAIN. What it changes is undone."""
    whole: list[float] = []
    slowest: dict[str, float] = {}
    for number in range(ROUNDS + 1):
        with Session(database) as db:
            connection = db.connection()
            began: list[float] = []
            event.listen(connection, "before_cursor_execute", lambda *_, at=began: at.append(time.perf_counter()))
            event.listen(
                connection,
                "after_cursor_execute",
                lambda *a, at=began: slowest.__setitem__(a[2], max(slowest.get(a[2], 0), time.perf_counter() - at[-1])),
            )
            begin = time.perf_counter()
            do(db)
            whole.append(time.perf_counter() - begin)
            db.rollback()
        if number == 0:  # a process compiles each statement once
            whole.clear()
            slowest.clear()
    words, most = max(slowest.items(), key=lambda each: each[1])
    shown = " ".join(words.partition("FROM")[2].split())[:60]
    print(f"{name:40}{statistics.median(whole) * 1e3:8.1f}{max(whole) * 1e3:8.1f}  {most * 1e3:.1f} FROM {shown}")
