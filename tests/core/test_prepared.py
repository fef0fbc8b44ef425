"""What is run by the driver alone: the same values and rows, and errors that the rest of the program knows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, NoResultFound, OperationalError
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.core.prepared import Prepared
from models.people.conversation import Conversation
from tests.harness.platform import wechat
from tests.harness.processes.databases import PostgresDatabases, end_connections
from tests.harness.stage import Stage

NOW = datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=8)))
_WHOSE = Conversation.openid == bindparam("b_openid")
_READ = Prepared(
    select(Conversation.id, Conversation.session, Conversation.touched_at, Conversation.user_id).where(_WHOSE)
)
_WRITE = Prepared(
    update(Conversation)
    .where(_WHOSE)
    .values({"session": bindparam("session"), "touched_at": bindparam("touched_at"), "in_flow": bindparam("in_flow")})
)


@pytest.fixture
def database(new_database: Callable[[], str]) -> Iterator[Engine]:
    """With one person who has never done anything."""
    database = connect(new_database())
    with database.begin() as connection:
        fresh = {"account": "gh_1", "openid": "o-li", "session": "", "created_at": NOW, "touched_at": NOW}
        connection.execute(insert(Conversation), fresh)
    yield database
    database.dispose()


def test_values_and_rows_are_converted_as_sqlalchemy_does(database: Engine) -> None:
    with database.begin() as connection:
        _WRITE.run(connection, {"b_openid": "o-li", "session": "蓝梅", "touched_at": NOW, "in_flow": True})
    with Database(database) as db:
        person = db.scalars(select(Conversation)).one()
        assert _READ.one(db.connection(), {"b_openid": "o-li"}) == (person.id, "蓝梅", NOW, None)
        assert (person.session, person.touched_at, person.in_flow) == ("蓝梅", NOW, True)
        assert db.scalar(text("SELECT session::text NOT LIKE '%' || encode('蓝梅', 'hex') || '%' FROM conversations"))
    with database.connect() as connection, pytest.raises(ValueError, match="zone"):
        _WRITE.run(
            connection, {"b_openid": "o-li", "session": "", "touched_at": NOW.replace(tzinfo=None), "in_flow": 0}
        )


def test_it_sees_what_the_session_has_not_written_yet(database: Engine) -> None:
    with Database(database) as db:
        db.scalars(select(Conversation)).one().session = "new"
        with db.no_autoflush:
            assert (_READ.find(db, {"b_openid": "o-li"}) or ())[1] == ""
        assert (_READ.find(db, {"b_openid": "o-li"}) or ())[1] == "new"
        assert _READ.find(db, {"b_openid": "o-wang"}) is None
        with pytest.raises(NoResultFound):
            _READ.one(db.connection(), {"b_openid": "o-wang"})


def test_it_is_part_of_the_transaction(database: Engine) -> None:
    with database.connect() as connection:
        _WRITE.run(connection, {"b_openid": "o-li", "session": "x", "touched_at": NOW, "in_flow": True})
        connection.rollback()
        assert connection.scalar(select(Conversation.in_flow)) is False


def test_a_value_of_the_statements_own_is_refused() -> None:
    with pytest.raises(ValueError, match="openid_1"):
        Prepared(select(Conversation.id).where(Conversation.openid == "o-li"))


def test_an_error_is_sqlalchemys_and_says_nothing_of_the_values(database: Engine) -> None:
    """A lock that is waited for in vain is put off as ever; what the database refuses is a failure."""
    values = {"b_openid": "o-li", "session": "蓝梅", "touched_at": NOW, "in_flow": True}
    with database.begin() as holder, database.begin() as waiting:
        holder.execute(select(Conversation.id).with_for_update())
        waiting.exec_driver_sql("SET LOCAL lock_timeout = 50")
        with pytest.raises(OperationalError) as late:
            _WRITE.run(waiting, values)
    assert "蓝梅" not in str(late.value)
    assert not late.value.connection_invalidated
    with database.begin() as connection, pytest.raises(DBAPIError) as refused:
        _WRITE.run(connection, values | {"in_flow": None})
    assert not isinstance(refused.value, OperationalError)


def test_after_a_lost_connection_all_of_the_pools_are_new(database: Engine) -> None:
    """As after a restart of the server: one turn is put off, and not one for each connection that was open."""
    before = [database.connect() for _ in range(3)]
    numbers = {connection.scalar(text("SELECT pg_backend_pid()")) for connection in before}
    for connection in before:
        connection.close()
    ender = connect(database.url.render_as_string(hide_password=False))
    with ender.begin() as connection:
        for number in numbers:
            connection.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
    ender.dispose()
    with pytest.raises(OperationalError) as lost, database.begin() as connection:
        _READ.one(connection, {"b_openid": "o-li"})
    assert lost.value.connection_invalidated
    for _ in range(3):
        with database.begin() as connection:
            assert _READ.one(connection, {"b_openid": "o-li"})[2] == NOW.astimezone(UTC)


def test_a_message_that_comes_after_the_server_was_away_is_taken_at_its_second_delivery(
    databases: PostgresDatabases,
) -> None:
    url = databases.create()  # its own: other tests keep connections to those that are lent
    stage = Stage(url)
    stage.say("o-li", "你好")
    end_connections(url)
    query, body = stage.wechat.deliver(wechat.text("菜单", "o-li"))
    answers = [stage.client.post("/wechat", query_string=query, data=body).status_code for _ in range(2)]
    assert answers == [503, 200]
    stage.close()
    databases.drop(url)
