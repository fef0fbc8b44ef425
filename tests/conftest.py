"""Fixtures for everybody: real servers, and databases that are as the migrations made them.

``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` name servers to use instead of the embedded ones. Which tests run when
is said in tests/harness/tiers.py.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from bot.processes.postgres import EmbeddedPostgres
from bot.processes.valkey import EmbeddedValkey
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import LIMITS
from models.core.encryption import Keyring, use_keyring
from models.wiring import wire
from tests.harness import tiers
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.simulator.browser import CHROMIUM
from tests.harness.simulator.in_process import run_simulator as run_simulator

if TYPE_CHECKING:
    from tests.harness.processes.media import MediaStore
    from tests.harness.processes.s3 import S3
    from tests.harness.processes.worker_desk import Desk
    from tests.harness.stage import Stage

tiers.choose_profile()


def pytest_configure(config: pytest.Config) -> None:
    # A machine that stands still for ten seconds is no statement that takes as long. How long a lock is waited for
    # stays as it is: turns that wait for each other are tested by it.
    LIMITS.update(statement_timeout="60000", idle_in_transaction_session_timeout="120000")
    wire()
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    tiers.add_markers(config)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    return tiers.short_id(val, argname)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.sort_into_tiers(items, CHROMIUM.exists())


def pytest_collection_finish() -> None:
    tiers.collect_garbage_less_often()


def prepare(url: str) -> None:
    """Migrate a database and load the regions that tests live in, and the charities that collect there."""
    from models.migrations import upgrade
    from tests.harness.stage import seed_regions
    from tests.scenes.money.charities import seed_charities

    upgrade(url)
    seed_regions(url)
    seed_charities(url)


def forget(url: str) -> None:
    from tests.harness import stage

    stage.forget(url)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server (its maintenance database), for SQLAlchemy and for psycopg."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    with EmbeddedPostgres() as server:
        yield server.url


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_url, prepare, forget)
    yield databases
    databases.close()


@pytest.fixture
def new_database(databases: PostgresDatabases) -> Iterator[Callable[[], str]]:
    """``new_database()``: the url of a migrated database with regions and charities alone, another at each call."""
    taken: list[str] = []

    def take() -> str:
        taken.append(databases.take())
        return taken[-1]

    yield take
    for url in taken:
        databases.give_back(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: PostgresDatabases) -> Iterator[str]:
    """A migrated database with regions and charities, and nothing else."""
    if request.node.get_closest_marker("planner"):
        url = databases.create()
        yield url
        databases.drop(url)
        return
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture
def no_regions(database_url: str) -> None:
    """Empty the database of its regions and charities, too, as it is before they are imported."""
    from tests.scenes.money.charities import remove_charities

    remove_charities(database_url)
    server = make_url(database_url).set(drivername="postgresql").render_as_string(False)
    # As a replica, which asks no other table whether it refers to a region: they are empty, and that takes a second.
    with psycopg.connect(server, options="-c session_replication_role=replica") as connection:
        connection.execute("DELETE FROM regions")


@pytest.fixture
def database_again(databases: PostgresDatabases) -> Iterator[Callable[[], str]]:
    """``database_again()``: one database, emptied again at each call, for walks one after another."""
    taken: list[str] = []

    def take() -> str:
        if taken:
            databases.give_back(taken.pop())
        taken.append(databases.take())
        return taken[-1]

    yield take
    for url in taken:
        databases.give_back(url)


@pytest.fixture(scope="module")
def module_database(databases: PostgresDatabases) -> Iterator[str]:
    """The same for the whole of a module."""
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey or Redis that this process of the tests has for itself (of a given server, one numbered database)."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
        address, _, options = given.partition("?")
        yield f"{address}?db={worker}&{options}".removesuffix("&")
        return
    with EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")), keep=False) as server:
        yield server.url


@pytest.fixture
def redis_flushed(redis_url: str) -> str:
    """The same server, emptied."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return redis_url


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """A stand-in of S3 that this process of the tests has for itself."""
    from tests.harness.processes.s3 import s3_process

    with s3_process() as port:
        yield port


@pytest.fixture
def s3(s3_port: int) -> Iterator["S3"]:
    """A bucket of its own there, behind a door that can be made to fail."""
    from tests.harness.processes.door import Door
    from tests.harness.processes.s3 import S3

    door = Door(s3_port)
    yield S3(s3_port, door)
    door.close()


@pytest.fixture(params=["folder", "bucket"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> "MediaStore":
    """A storage for photos, of each kind."""
    from tests.harness.processes.media import BucketStore, FolderStore

    return FolderStore(tmp_path / "media") if request.param == "folder" else BucketStore(request.getfixturevalue("s3"))


@pytest.fixture
def stage(database_url: str) -> Iterator["Stage"]:
    """The bot behind its real door. A module that begins elsewhere, or needs another stage, has its own ``stage``."""
    from tests.harness.stage import Stage

    stage = Stage(database_url)
    yield stage
    stage.close()


@pytest.fixture
def desk(database_url: str, redis_flushed: str, tmp_path: Path) -> Iterator["Desk"]:
    """A worker's jobs, run by hand, beside a simulator that has the media."""
    from bot.simulator.app import create_simulator
    from bot.simulator.serving import serving
    from bot.simulator.simulator import Simulator
    from tests.harness.processes.worker_desk import Desk
    from tests.harness.simulator.in_process import OPTIONS

    simulator = Simulator(OPTIONS)
    with serving(create_simulator(OPTIONS, simulator)) as url:
        desk = Desk(database_url, redis_flushed, tmp_path / "media", simulator, url)
        yield desk
        desk.database.dispose()
        desk.context.close()
    simulator.close()
