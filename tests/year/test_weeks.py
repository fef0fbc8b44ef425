"""Some weeks of a county, played by people who know the bot only by their phones.

Slow: every message goes through the bot's door, every gift through the platform, and the days through the scheduler.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from bot.app import create_app
from bot.demo import run as demo
from bot.demo.seed import FOLDER
from bot.demo.year.county import found_county
from bot.demo.year.house import Account
from bot.demo.year.plan import draw_plan, read_words
from bot.work.redis_client import open_redis
from models.core.encryption import Keyring, use_keyring
from models.wiring import wire
from tests.harness.processes.databases import PostgresDatabases
from tests.scenes.money.charities import remove_charities
from tests.scenes.year import wrong_in
from tests.year.county import County
from tests.year.weather import RoughHouse

ACCOUNT = Account(demo.ACCOUNT["id"], (demo.TEMPLATES, demo.SUBSCRIPTIONS))
DAYS = 26
SEED = 1
FEW_DAYS = 10
# What each household hears in the end.
NEWS = ("您家的认证通过了", "可以收捐款了", "够数了", "拨了一笔款", "办完了")
_BY_CHANCE = re.compile(r"https?://\S+|[0-9A-Z]{10,}|\d\d:\d\d")

pytestmark = pytest.mark.slow

Found = Callable[[], AbstractContextManager[County]]


@pytest.fixture
def found(databases: PostgresDatabases, redis_flushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """``found()``: a new county; each is the same."""
    # With more, the order of calls, and so which of them a bad day befalls, is that of the threads.
    monkeypatch.setattr("bot.push.deliver.THREADS", 1)
    wire()

    @contextmanager
    def found() -> Iterator[County]:
        url = databases.create()  # its own: the county's numbers begin later than those of other tests
        remove_charities(url)
        with open_redis(redis_flushed) as redis:
            redis.flushdb()
        environment = demo.environment(tmp_path) | {
            "DATABASE_URL": url,
            "REDIS_URL": redis_flushed,
            "MEDIA_DIR": str(tmp_path / "media"),
        }
        plan = draw_plan(read_words() | {"days": 60, "households": 3, "donors": 3, "gifts": 0})
        use_keyring(Keyring.parse(environment["DATA_KEYS"]))
        charities = tomllib.loads((FOLDER / "charities.toml").read_text(encoding="utf-8"))["charities"]
        with ExitStack() as stack:
            stack.callback(databases.drop, url)
            house = stack.enter_context(RoughHouse(create_app, environment, ACCOUNT, tmp_path, plan.begin))
            seats = found_county(house, plan, charities, tmp_path).values()
            house.begin_weather(Random(SEED))
            yield County(house, plan, seats)

    return found


def test_who_reads_what_stands_there_is_verified_asks_and_spends_what_was_given(found: Found) -> None:
    with found() as county:
        for person in (*county.households, *county.donors):
            person.arrive()
        for _ in range(DAYS):
            county.live_a_day()
        assert county.house.befell.keys() >= {"web server killed", "worker killed", "bad day", "redis emptied"}
        for household in county.households:
            news = "\n".join(household.news)
            assert [words for words in NEWS if words not in news] == []
            assert (household.wanted, household.offered, household.astray) == ([], [], [])
        assert all(donor.is_idle for donor in county.donors)
        assert sum(donor.paid for donor in county.donors) == sum(int(one.facts["target"]) for one in county.households)
        assert [words for officer in county.officers for words in officer.astray] == []
        assert wrong_in(county.house.settings.database_url, county.house.clock()) == {}


def test_the_same_seed_makes_the_same_weeks(found: Found) -> None:
    seen = []
    for _ in range(2):
        with found() as county:
            for person in (*county.households, *county.donors):
                person.arrive()
            for _ in range(FEW_DAYS):
                county.live_a_day()
            people = (*county.officers, *county.households, *county.donors)
            seen.append(({person.phone.openid: _masked(person.phone.shown) for person in people}, county.house.befell))
    assert seen[0] == seen[1]
    shown, befell = seen[0]
    assert befell
    assert all(len(words) > FEW_DAYS for words in shown.values())


def _masked(shown: Sequence[str]) -> list[str]:
    """Leave out what is drawn by chance on purpose, so that nobody can guess it, and the minutes of a clock."""
    return [_BY_CHANCE.sub("…", words) for words in shown]
