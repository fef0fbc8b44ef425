"""BEGIN and COMMIT go with a statement in one round trip, and everything else stays as psycopg has it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy import Connection, Engine, bindparam, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from models.core import round_trip
from models.core.at_commit import put
from models.core.database import connect
from models.core.prepared import Prepared
from models.people.conversation import Conversation

NOW = datetime(2026, 12, 3, 2, tzinfo=UTC)
_READ = Prepared(select(Conversation.id, Conversation.failures).where(Conversation.openid == bindparam("b_openid")))
_WRITE = Prepared(
    update(Conversation).where(Conversation.openid == bindparam("b_openid")).values(failures=bindparam("failures"))
)
_FAIL = Prepared(select(literal_column("1") / bindparam("b_by", type_=Conversation.failures.type)))
_WHO = {"b_openid": "o-li"}


@pytest.fixture
def database(new_database: Callable[[], str]) -> Iterator[Engine]:
    """One connection, on which psycopg has prepared all three; one person, who has never done anything."""
    database = connect(new_database(), pool_size=1)
    with database.begin() as connection:
        fresh = {"account": "gh_1", "openid": "o-li", "session": "", "created_at": NOW, "touched_at": NOW}
        connection.execute(insert(Conversation), fresh)
    for _ in range(10):
        _write(database, 0)
    assert _is_prepared(database)
    yield database
    database.dispose()


def _write(database: Engine, failures: int) -> None:
    with database.begin() as connection:
        _READ.one(connection, _WHO)
        _FAIL.one(connection, {"b_by": 1})
        _WRITE.run_and_commit(connection, _WHO | {"failures": failures})


def _is_prepared(database: Engine) -> bool:
    with database.begin() as connection:  # and commits: psycopg forgets what it has prepared at a rollback
        found = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        return {_READ.sql, _FAIL.sql, _WRITE.sql} <= set(found)


def _failures(database: Engine) -> int | None:
    beside = _beside(database)
    with beside.connect() as connection:
        found = connection.scalar(select(Conversation.failures).where(Conversation.openid == _WHO["b_openid"]))
    beside.dispose()
    return found


def _beside(database: Engine) -> Engine:
    return connect(database.url.render_as_string(hide_password=False))


def _state(connection: Connection) -> tuple[int, int]:
    driver = connection.connection.driver_connection
    assert driver
    return driver.pgconn.transaction_status, driver.pgconn.pipeline_status


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands went in each round trip."""
    counted: list[int] = []
    send = round_trip._send

    def count(pgconn: object, commands: list[object]) -> object:
        counted.append(len(commands))
        return send(pgconn, commands)  # type: ignore[arg-type]

    monkeypatch.setattr(round_trip, "_send", count)
    return counted


def test_a_turn_of_two_statements_takes_two_round_trips(database: Engine, sent: list[int]) -> None:
    with database.begin() as connection:
        assert _state(connection) == (TransactionStatus.IDLE, PipelineStatus.OFF)
        number, _ = _READ.one(connection, _WHO)
        assert _state(connection) == (TransactionStatus.INTRANS, PipelineStatus.OFF)
        _WRITE.run_and_commit(connection, _WHO | {"failures": 3})
        assert _state(connection) == (TransactionStatus.IDLE, PipelineStatus.OFF)
        assert _failures(database) == 3
    assert sent == [2, 2]
    with database.connect() as connection:
        assert _READ.one(connection, _WHO) == (number, 3)


def test_what_was_run_by_sqlalchemy_before_is_part_of_it(database: Engine, sent: list[int]) -> None:
    with database.begin() as connection:
        connection.execute(update(Conversation).values(in_flow=True))
        _READ.one(connection, _WHO)
        _WRITE.run_and_commit(connection, _WHO | {"failures": 4})
    assert sent == [1, 2]
    with database.begin() as connection:
        connection.execute(update(Conversation).values(in_flow=False))
        connection.rollback()
    with database.connect() as connection:
        assert connection.execute(select(Conversation.failures, Conversation.in_flow)).one() == (4, True)


def test_one_statement_may_be_all_of_a_transaction(database: Engine, sent: list[int]) -> None:
    with database.begin() as connection:
        _WRITE.run_and_commit(connection, _WHO | {"failures": 5})
    assert sent == [3]
    assert _failures(database) == 5


def test_rows_that_wait_for_the_commit_are_written_before_it(database: Engine) -> None:
    with database.begin() as connection:
        _READ.one(connection, _WHO)
        other = {"account": "gh_1", "openid": "o-an", "session": "", "created_at": NOW, "touched_at": NOW}
        put(connection, Conversation.__table__, other)  # type: ignore[arg-type]
        _WRITE.run_and_commit(connection, _WHO | {"failures": 6})
    with database.connect() as connection:
        assert connection.scalars(select(Conversation.failures).order_by(Conversation.id)).all() == [6, 0]


@pytest.mark.parametrize("first", [True, False], ids=["with_begin", "within"])
def test_an_error_undoes_all_and_the_connection_goes_on(database: Engine, first: bool) -> None:
    with database.connect() as connection:
        if not first:
            _WRITE.run(connection, _WHO | {"failures": 7})
        with pytest.raises(DBAPIError, match="division by zero"):
            _FAIL.one(connection, {"b_by": 0})
    assert _failures(database) == 0
    assert not _is_prepared(database)
    for failures in range(1, 12):
        _write(database, failures)
        assert _failures(database) == failures
    assert _is_prepared(database)


def test_an_error_beside_the_commit_commits_nothing(database: Engine) -> None:
    with database.connect() as connection:
        _WRITE.run(connection, _WHO | {"failures": 8})
        with pytest.raises(DBAPIError, match="division by zero"):
            _FAIL.run_and_commit(connection, {"b_by": 0})
    assert _failures(database) == 0
    _write(database, 9)
    assert _failures(database) == 9


def test_an_error_of_the_commit_itself_is_told(database: Engine) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE conversations ADD CONSTRAINT once UNIQUE (failures) DEFERRABLE INITIALLY DEFERRED"
        )
        other = {"account": "gh_1", "openid": "o-an", "session": "", "created_at": NOW, "touched_at": NOW}
        connection.execute(insert(Conversation), other | {"failures": 1})
    for _ in range(10):
        _write(database, 0)
    assert _is_prepared(database)
    with database.connect() as connection:
        _READ.one(connection, _WHO)
        with pytest.raises(DBAPIError, match="once"):
            _WRITE.run_and_commit(connection, _WHO | {"failures": 1})
    assert _failures(database) == 0


@pytest.mark.parametrize("commit", [False, True])
def test_a_lost_connection_is_told_and_the_next_is_new(database: Engine, commit: bool) -> None:
    ender = _beside(database)
    with database.connect() as connection:
        if commit:
            _READ.one(connection, _WHO)
        number = connection.connection.driver_connection.pgconn.backend_pid  # type: ignore[union-attr]
        with ender.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
        run = _WRITE.run_and_commit if commit else _WRITE.run
        with pytest.raises(OperationalError) as lost:
            run(connection, _WHO | {"failures": 2})
    ender.dispose()
    assert lost.value.connection_invalidated
    assert _failures(database) == 0
    _write(database, 2)
    assert _failures(database) == 2


def test_what_is_used_stays_prepared_while_others_come_and_go(database: Engine, sent: list[int]) -> None:
    """psycopg keeps a number of statements, and drops the one that was not used for longest."""
    with database.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver
        driver.prepared_max = 4
        for number in range(12):
            driver.execute(f"SELECT {number}", prepare=True)
            _READ.one(connection, _WHO)
    assert len(sent) == 12


def test_a_transaction_begins_as_the_connection_is_set(database: Engine) -> None:
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        _READ.one(connection, _WHO)
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "repeatable read"
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _WRITE.run(connection, _WHO | {"failures": 5})
        assert _state(connection) == (TransactionStatus.IDLE, PipelineStatus.OFF)
    assert _failures(database) == 5


def test_a_session_larger_than_a_sockets_buffer_is_kept(database: Engine) -> None:
    """What the server does not read at once is sent on as it reads."""
    keep = Prepared(update(Conversation).values(session=bindparam("session")))
    for size in (10, 10, 10, 10, 10, 10, 10, 8_000_000):
        with database.begin() as connection:
            _READ.one(connection, _WHO)
            keep.run_and_commit(connection, {"session": "长" * size})
    with database.connect() as connection:
        assert connection.scalar(select(Conversation.session)) == "长" * 8_000_000


def test_a_waiting_statement_lets_other_threads_go_on(database: Engine) -> None:
    """The interpreter is not held while PostgreSQL works: else who waits for a lock would stop who holds it."""
    holder = _beside(database)
    with holder.begin() as held:
        held.execute(update(Conversation).values(failures=1))
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(_write, database, 2)
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while not held.scalar(text(waits)):
                assert not waiting.done()
            held.commit()
            waiting.result(timeout=60)
    holder.dispose()
    assert _failures(database) == 2
