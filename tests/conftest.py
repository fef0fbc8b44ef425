"""Fixtures for everybody: real servers, freshly migrated databases, and how long Hypothesis searches.

``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` name servers to use instead of the embedded ones;
``HYPOTHESIS_PROFILE=long`` searches longer and elsewhere each time.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from bot.processes.postgres import EmbeddedPostgres
from bot.services import EmbeddedValkey
from tests.services import PostgresDatabases, SqliteDatabases
from tests.simulating import stand_in as stand_in

settings.register_profile("fast", max_examples=50, derandomize=True, deadline=None)
settings.register_profile(
    "long", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "chaos: breaks a server or a process on purpose; `make chaos` runs these alone")


def migrate(url: str) -> None:
    from models.migrations import upgrade

    upgrade(url)


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
def postgresql_databases(postgres_url: str) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_url, migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabases]:
    databases = SqliteDatabases(tmp_path_factory.mktemp("sqlite"), migrate)
    yield databases
    databases.close()


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """``new_database("sqlite")`` or ``new_database("postgresql")``: the url of an empty, migrated database."""
    made: list[tuple[SqliteDatabases | PostgresDatabases, str]] = []

    def create(kind: str) -> str:
        databases = request.getfixturevalue(f"{kind}_databases")
        made.append((databases, databases.create()))
        return made[-1][1]

    yield create
    for databases, url in made:
        databases.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """An empty, migrated database; the test runs once on SQLite and once on PostgreSQL."""
    return new_database(request.param)


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
