"""What conftest.py promises: real servers, databases that do not see each other, no way out of this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from pytest_socket import SocketConnectBlockedError
from sqlalchemy import create_engine, inspect, make_url, text

from bot.processes.postgres import EmbeddedPostgres
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.processes.programs import is_alive, wait_until

ROOT = Path(__file__).parents[2]


def add_a_table(url: str) -> None:
    """A migration as small as can be."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (said VARCHAR(20))"))
    engine.dispose()


@pytest.fixture
def word_databases(postgres_url):
    made = []

    def migrate(url: str) -> None:
        made.append(url)
        add_a_table(url)

    maker = PostgresDatabases(postgres_url, migrate, lambda url: None)
    yield maker
    maker.close()
    assert len(made) == 1, "one migration serves every database"


def words(url: str, new: str = "") -> list[str]:
    engine = create_engine(url)
    with engine.begin() as connection:
        if new:
            connection.execute(text("INSERT INTO word VALUES (:new)"), {"new": new})
        found = connection.execute(text("SELECT said FROM word")).scalars().all()
    engine.dispose()
    return list(found)


@pytest.mark.xdist_group("shared")
def test_tests_of_a_group_stay_on_one_worker(request):
    """A fixture of a module is made once for all its tests; where groups are lost, it is made again and again."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@shared")


def test_each_database_is_migrated_empty_and_its_own(word_databases):
    one, other = word_databases.create(), word_databases.create()
    assert words(one, "修路") == ["修路"]
    assert words(other) == []
    word_databases.drop(one)
    assert words(other, "读书") == ["读书"]
    word_databases.drop(other)


def test_a_database_is_dropped_while_somebody_is_connected(word_databases):
    url = word_databases.create()
    engine = create_engine(url)
    connection = engine.connect()
    connection.execute(text("SELECT said FROM word"))
    word_databases.drop(url)
    connection.invalidate()
    engine.dispose()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_the_postgresql_of_the_tests_is_a_real_one(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        version, encoding = connection.execute("SELECT version(), current_setting('server_encoding')").fetchone() or ()
    assert version.startswith("PostgreSQL ")
    assert encoding == "UTF8"


def test_our_own_migrations_make_the_database(database_url):
    engine = create_engine(database_url)
    assert "alembic_version" in inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.parametrize("time", ["first", "second"])
def test_the_emptied_redis_is_empty_each_time(redis_flushed, time):
    with redis.Redis.from_url(redis_flushed) as client:
        assert client.dbsize() == 0
        client.set("left over", time)


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_tests_reach_this_machine_and_no_other():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
    # 192.0.2.0/24 is set aside for examples: nobody is there.
    with socket.socket() as stranger, pytest.raises(SocketConnectBlockedError):
        stranger.connect(("192.0.2.1", 80))


def test_a_stopped_postgresql_starts_again_with_its_data():
    with EmbeddedPostgres(durable=True) as server:
        add_a_table(server.url)
        words(server.url, "kept")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url)
        server.start()
        assert words(server.url) == ["kept"]
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        folder = Path(str(make_url(server.url).query["host"]))
    assert not folder.exists()


A_RUN_OF_TESTS = """
import psutil, psycopg, signal, time

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it starts in the background ignore it

def test_is_slow(postgres_url, redis_url, request):
    with psycopg.connect(postgres_url):
        pids = (str(child.pid) for child in psutil.Process().children(recursive=True))
        (request.path.parent / "unfinished").write_text("\\n".join([postgres_url, *pids]))
        (request.path.parent / "unfinished").rename(request.path.parent / "pids")
        time.sleep(60)
"""


@pytest.mark.slow  # it starts pytest with servers of its own
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_servers_end_with_the_tests_however_those_end(tmp_path, ending):
    (tmp_path / "test_slow.py").write_text(A_RUN_OF_TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    command += ["--rootdir", str(tmp_path), str(tmp_path / "test_slow.py")]
    # The run that we are in may have been given servers, or be one of several side by side.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TEST_", "PYTEST_"))}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as run:
        assert wait_until((tmp_path / "pids").exists, patience=60)
        url, *pids = (tmp_path / "pids").read_text().split()
        names = {each.name() for each in psutil.process_iter(["name"]) if str(each.pid) in pids}
        assert {"postgres", "valkey-server"} <= names
        run.send_signal(ending)
    assert wait_until(lambda: not any(is_alive(int(pid)) for pid in pids)), f"some of {names} outlived their run"
    # Killed, it cannot remove its folder; interrupted, it has done so.
    shutil.rmtree(str(make_url(url).query["host"]), ignore_errors=ending is signal.SIGINT)


def test_no_case_is_named_by_a_value_of_megabytes(request):
    assert max(len(item.nodeid) for item in request.session.items) < 2_000


@pytest.mark.parametrize("picture", [bytes(1 << 20)])
def test_a_long_value_is_named_by_its_length(request, picture):
    assert request.node.name.endswith("[picture of 1048576]")
