"""The bot behind PgBouncer in transaction mode, with the settings that docs/operating.md gives.

Slow: a program of its own stands between, and whole conversations go through it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as Database

from bot.books.check import check_books
from models.core.database import IDLE_IN_TRANSACTION_MS, LIMITS, STATEMENT_MS, connect, limits_lost, snapshot
from models.people.conversation import Turn
from tests.harness.platform import wechat
from tests.harness.processes.databases import PostgresDatabases, end_connections
from tests.harness.processes.pgbouncer import cannot, pooler
from tests.harness.stage import Stage
from tests.harness.transcript import Actor

# Of all that people say, by the alphabet, so that each room has some.
TRANSCRIPTS = sorted((Path(__file__).parent.parent / "transcripts").glob("*.chat"))[::12]
THREADS, PEOPLE, CONNECTIONS = 16, 24, 4

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own statements may take longer; the pooler gives what is documented."""
    monkeypatch.setitem(LIMITS, "statement_timeout", str(STATEMENT_MS))
    monkeypatch.setitem(LIMITS, "idle_in_transaction_session_timeout", str(IDLE_IN_TRANSACTION_MS))


@pytest.fixture(scope="module")
def through(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """(A database's url) -> its url through the pooler, which has fewer connections than the bot has threads."""
    if why := cannot():
        pytest.skip(why)
    with pooler(postgres_url, CONNECTIONS) as through:
        yield through


@pytest.fixture
def stage(database_url: str, through: Callable[[str], str]) -> Iterator[Stage]:
    stage = Stage(through(database_url))
    yield stage
    stage.close()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_conversation_goes_as_without_it(transcript: Path, stage: Stage) -> None:
    Actor(stage).play(transcript.read_text(encoding="utf-8"))
    found = check_books(stage.database.url, stage.clock()).found
    assert found.keys() <= {"bill_missing"}  # nobody fetches WeChat Pay's bills in a conversation


def test_what_takes_long_is_free_of_the_limits_and_the_next_is_not(
    database_url: str, through: Callable[[str], str]
) -> None:
    for _ in range(3):
        with snapshot(through(database_url)) as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "repeatable read"
        database = connect(through(database_url))
        with database.connect() as connection:
            assert limits_lost(connection) == []
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "read committed"
        database.dispose()


def test_more_people_than_connections_are_answered_once_each_within_the_limits(
    databases: PostgresDatabases, through: Callable[[str], str]
) -> None:
    url = databases.create()  # its own: other tests keep connections to those that are lent
    stage = Stage(through(url))
    words = ("你好", "求助", "菜单", "帮助", "1")

    def talk(person: int) -> list[int]:
        client = stage.app.test_client()
        statuses = []
        for word in words * 2:
            query, body = stage.wechat.deliver(wechat.text(word, f"o-{person}"))
            statuses += [client.post("/wechat", query_string=query, data=body).status_code for _ in range(2)]
        return statuses

    def ask(_: int) -> list[str]:
        with stage.database.connect() as connection:
            return limits_lost(connection)

    with ThreadPoolExecutor(THREADS) as threads:
        limits = threads.map(ask, range(60))
        assert {status for statuses in threads.map(talk, range(PEOPLE)) for status in statuses} == {200}
        assert all(lost == [] for lost in limits)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(Turn)) == PEOPLE * len(words) * 2
        sessions = db.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )
        assert sessions is not None
        assert sessions < CONNECTIONS
        assert db.scalar(text("SELECT count(*) > 0 FROM pg_prepared_statements"))
    stage.close()
    databases.drop(url)


def test_a_message_that_finds_its_connection_ended_is_taken_at_its_next_delivery(
    databases: PostgresDatabases, through: Callable[[str], str]
) -> None:
    url = databases.create()  # its own: other tests keep connections to those that are lent
    stage = Stage(through(url))
    stage.say("o-li", "你好")
    end_connections(url)
    query, body = stage.wechat.deliver(wechat.text("菜单", "o-li"))
    statuses: list[int] = []
    while 200 not in statuses and len(statuses) < 6:
        statuses.append(stage.client.post("/wechat", query_string=query, data=body).status_code)
    assert statuses[-1] == 200
    assert set(statuses[:-1]) <= {503}
    stage.close()
    databases.drop(url)


@pytest.mark.usefixtures("through")
def test_limits_that_it_does_not_give_are_named(database_url: str, postgres_url: str) -> None:
    with pooler(postgres_url, 1, limits=False) as through:
        database = connect(through(database_url))
        with database.connect() as connection:
            assert limits_lost(connection) == [*LIMITS]
        database.dispose()
    database = connect(database_url)
    with database.connect() as connection:
        assert limits_lost(connection) == []
    database.dispose()
