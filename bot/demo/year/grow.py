"""Grow the demo's data set: the year of a county, then the small world beside it, then the bills of all those days."""

import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from bot.books.check import Checked, check_books
from bot.books.sealing import seal_all
from bot.demo.dump import write_dump
from bot.demo.paid_orders import paid_orders
from bot.demo.past_bills import compare_due_bills, warnings_only
from bot.demo.seed import FOLDER, play_world
from bot.demo.seed_pictures import name_pictures_of_the_year
from bot.demo.year.county import close_small_numbers, open_small_numbers
from bot.demo.year.house import Account, House, MakeApp
from bot.demo.year.plan import Plan, draw_plan
from bot.demo.year.player import play_year
from bot.figures.folding import count_all_waiting, fold_all
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.valkey import EmbeddedValkey
from bot.simulator.pay.paid import PaidOrder
from models.core.encryption import Keyring, use_keyring
from models.migrations import upgrade
from models.payments.order import PayOrder
from models.wiring import wire


class BooksAreWrong(Exception):
    """What was grown breaks a rule of the books; the message counts the codes."""


def grow(
    make_app: MakeApp,
    environment: Mapping[str, str],
    account: Account,
    to: Path,
    words: dict[str, Any],
    tell: Callable[[str], None],
) -> Checked:
    """Grow it on servers of its own, which are thrown away, and write it to the file. ``words``: config/demo/year.toml.

    Raises WentAstray, BooksAreWrong, ServiceError.
    """
    with growing(make_app, environment, account, words, tell) as (house, plan):
        checked = check_books(house.settings.database_url, plan.end, tell=lambda found: tell(str(found)))
        if checked.found:
            raise BooksAreWrong(", ".join(f"{code} {count}" for code, count in checked.found.items()))
        write_dump(house.turns.database, to, plan.end)
        return checked


@contextmanager
def growing(
    make_app: MakeApp,
    environment: Mapping[str, str],
    account: Account,
    words: dict[str, Any],
    tell: Callable[[str], None],
) -> Iterator[tuple[House, Plan]]:
    """Grow it, and keep its servers running as long as it is looked at."""
    at = Path(tempfile.mkdtemp(prefix="bangfu-year-"))
    try:
        with EmbeddedPostgres() as server, EmbeddedValkey(at / "valkey", keep=False) as store, warnings_only():
            ours = {"DATABASE_URL": server.url, "REDIS_URL": store.url, "MEDIA_DIR": str(at / "media")}
            given, plan = {**environment, **ours}, draw_plan(words)
            use_keyring(Keyring.parse(given["DATA_KEYS"]))
            wire()
            upgrade(server.url)
            with House(make_app, given, account, at, plan.begin) as house, warnings_only():
                _play(house, plan, at, tell)
                yield house, plan
    finally:
        shutil.rmtree(at, ignore_errors=True)


def _play(house: House, plan: Plan, at: Path, tell: Callable[[str], None]) -> None:
    charities = tomllib.loads((FOLDER / "charities.toml").read_text(encoding="utf-8"))["charities"]
    play_year(house, plan, charities, at, tell)
    database = house.turns.database
    with Session(database) as db, db.begin():
        name_pictures_of_the_year(db)
        known = {number for (number,) in db.query(PayOrder.out_trade_no)}
    open_small_numbers(house)
    play_world(database, house.account, plan.end)
    close_small_numbers(house)
    house.live_until(plan.end)
    with Session(database) as db:
        every = paid_orders(db, house.account, house.settings.public_url)
    # The platform was told of the year's orders as they were placed.
    house.simulator.pay.orders.remember(tuple(PaidOrder(**one) for one in every if one["out_trade_no"] not in known))
    for client in house.context.pay or ():
        compare_due_bills(database, client, house.clock())
    seal_all(database)
    fold_all(database)
    count_all_waiting(database, house.clock())
