"""A few weeks of the demo's year, played anew through the real code.

Slow: every message goes through the bot's door, every gift through the platform, and the days through the scheduler.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from bot.app import create_app
from bot.demo import run as demo
from bot.demo.dump import load_dump, read_contents, write_dump
from bot.demo.year.grow import growing
from bot.demo.year.house import Account, House
from bot.demo.year.phone import Phone, WentAstray
from bot.demo.year.plan import Plan, read_words
from models.core.database import connect
from tests.harness.processes.databases import PostgresDatabases
from tests.scenes.year import (
    STATES,
    missing_states,
    paid_for_simulator,
    paid_in_books,
    verified_ledger,
    wrong_in,
)

# Begins a registration.
TYPED = "注册"

pytestmark = pytest.mark.slow

# Few people who give much, so that in these weeks what is asked for comes together, is spent and accounted for.
SMALL = {"days": 75, "households": 16, "donors": 10, "gifts": 110}
ACCOUNT = Account(demo.ACCOUNT["id"], (demo.TEMPLATES, demo.SUBSCRIPTIONS))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Plan]]:
    words = read_words() | SMALL
    words["amounts"]["household"] = [200, 300]
    words["pools"][0]["start"], words["crowdfunds"][0]["start"] = 25, 22
    at = tmp_path_factory.mktemp("year")
    with growing(create_app, demo.environment(at), ACCOUNT, words, lambda _: None) as found:
        yield found


def test_its_books_are_right_and_all_is_there(grown: tuple[House, Plan], tmp_path: Path) -> None:
    house, plan = grown
    url, database = house.settings.database_url, house.turns.database
    assert wrong_in(url, plan.end) == {}
    assert missing_states(database, STATES) == {}
    code, said = verified_ledger(url, tmp_path / "ledger", plan.end)
    assert code == 0, said


def test_the_simulator_took_what_the_books_say(grown: tuple[House, Plan]) -> None:
    house, _ = grown
    took = {(order.transaction_id, order.total) for order in house.simulator.pay.orders.all() if order.transaction_id}
    assert took == paid_in_books(house.turns.database) == paid_for_simulator(house.turns.database)


def test_a_conversation_that_goes_astray_is_named(grown: tuple[House, Plan]) -> None:
    house, _ = grown
    phone = Phone(house, {"begins": [TYPED], "opens": [TYPED, "[open]"]}, "oAstray", "", Random(1))
    phone.meet("")
    with pytest.raises(WentAstray, match="begins of oAstray is not over"):
        phone.play("begins")
    with pytest.raises(WentAstray, match="no link for oAstray"):
        phone.play("opens")


def test_what_is_kept_of_it_is_what_it_was(
    grown: tuple[House, Plan], databases: PostgresDatabases, tmp_path: Path
) -> None:
    house, plan = grown
    first, second = tmp_path / "first.xz", tmp_path / "second.xz"
    write_dump(house.turns.database, first, plan.end)
    url = databases.create()
    database = connect(url)
    load_dump(database, url, first)
    assert wrong_in(url, plan.end) == {}
    write_dump(database, second, plan.end)
    assert read_contents(first) == read_contents(second)
    assert first.read_bytes() == second.read_bytes()
    database.dispose()
    databases.drop(url)
