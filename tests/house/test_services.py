"""Whatever we start ends when we end: asked, interrupted or killed; and it is really there in between."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from rq import Queue, SimpleWorker, Worker
from sqlalchemy import make_url
from structlog.testing import capture_logs

from bot.processes import postgres
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import Processes, ServiceError, demand_free, free_port
from bot.processes.valkey import EmbeddedValkey
from config.embedded import url_in
from tests.harness.processes.programs import is_alive, wait_until

ROOT = Path(__file__).parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]

pytestmark = pytest.mark.slow  # almost every test starts a server or a process


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A program of its own, started in the project's folder; its output can be read."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def valkey(tmp_path):
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


def test_a_free_port_can_be_listened_on():
    with socket.socket() as door:
        door.bind(("127.0.0.1", free_port()))
        door.listen()


def test_a_port_is_taken_while_somebody_listens_and_free_right_after():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    with pytest.raises(ServiceError, match=f"port {port} is taken"):
        demand_free(port)
    client = socket.create_connection(("127.0.0.1", port))
    served, _ = server.accept()
    served.close()  # the side that closes first remembers the connection for a minute
    server.close()
    client.close()
    with socket.socket() as careless, pytest.raises(OSError, match="in use"):
        careless.bind(("127.0.0.1", port))
    demand_free(port)


def test_a_server_that_is_just_ending_is_waited_for():
    server = socket.create_server(("127.0.0.1", 0))
    timer = threading.Timer(0.3, server.close)
    port = server.getsockname()[1]
    timer.start()
    demand_free(port, patience=60)
    timer.join()


# --- PostgreSQL


def words(server: EmbeddedPostgres, new: str = "") -> list[str]:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (said text)")
        if new:
            connection.execute("INSERT INTO word VALUES (%s)", [new])
        return [said for (said,) in connection.execute("SELECT said FROM word ORDER BY said").fetchall()]


def test_postgresql_keeps_its_data_in_its_folder_at_the_same_url(tmp_path):
    url = EmbeddedPostgres(tmp_path / "postgres").url
    for expected in ([], ["kept"]):
        with EmbeddedPostgres(tmp_path / "postgres", durable=True) as server:
            assert server.url == url == url_in(tmp_path / "postgres")
            assert words(server) == expected
            words(server, "kept")
    assert (tmp_path / "postgres" / "data").exists()


def test_a_second_postgresql_in_one_folder_is_refused_and_the_first_goes_on(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        with pytest.raises(ServiceError, match="another program is using"), EmbeddedPostgres(tmp_path):
            pass
        assert words(server) == []


def test_postgresql_opens_its_socket_to_nobody_else_and_listens_on_no_port(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        assert (tmp_path / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        assert not [c for c in psutil.Process(server.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]


def test_a_folder_with_a_long_name_still_gets_a_socket_for_postgresql(tmp_path):
    with EmbeddedPostgres(tmp_path / ("long" * 30)) as server:
        assert words(server, "here") == ["here"]
        socket_folder = Path(str(make_url(server.url).query["host"]))
    assert list(socket_folder.iterdir()) == []
    socket_folder.rmdir()


def test_postgresql_that_was_cut_short_in_its_making_is_made_anew(tmp_path):
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(tmp_path) as server:
        assert words(server) == []


@pytest.mark.parametrize("noted", ["a program that has its number", "a server that nobody buried"])
@pytest.mark.chaos
def test_a_killed_postgresql_comes_back_with_what_it_had(tmp_path, noted):
    """And so whatever it has left behind, and whoever has its number by now."""
    with EmbeddedPostgres(tmp_path, durable=True) as server:
        words(server, "kept")
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        if noted.startswith("a program"):
            server.stop()
    note, killed = tmp_path / "data" / "postmaster.pid", (tmp_path / "data" / "postmaster.pid").read_text()
    with subprocess.Popen(SLEEPER) as other:
        other.kill() if noted.startswith("a server") else None
        note.write_text("\n".join([str(other.pid), *killed.splitlines()[1:]]))
        with EmbeddedPostgres(tmp_path, durable=True) as server:
            assert words(server) == ["kept"]
        other.kill()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.chaos
def test_postgresql_ends_when_its_starter_is_killed_and_starts_again_at_once(tmp_path, ending):
    code = """if True:
        import sys, time
        from pathlib import Path
        from bot.processes.postgres import EmbeddedPostgres
        with EmbeddedPostgres(Path(sys.argv[1]), durable=True) as server:
            print(server.pid, flush=True)
            time.sleep(60)
    """
    with python(code, str(tmp_path)) as starter:
        pid = int(read_line(starter))
        words(EmbeddedPostgres(tmp_path), "kept")
        starter.send_signal(ending)
        starter.wait()
        with EmbeddedPostgres(tmp_path, durable=True) as server:
            assert words(server) == ["kept"]
            assert wait_until(lambda: not is_alive(pid))


def test_without_its_programs_postgresql_says_so_and_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "PACKAGE", "no_such_package")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ServiceError, match=r"no package no_such_package here; .* in DATABASE_URL$"), EmbeddedPostgres():
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_its_programs_do_not_run_postgresql_says_so_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "postgres").write_text("#!/lib/no-such-loader.so\n")
    (tmp_path / "postgres").chmod(0o755)
    monkeypatch.setattr(postgres, "find_programs", lambda: tmp_path)
    monkeypatch.setattr(postgres, "_is_open_to_all", lambda _: True)
    with pytest.raises(ServiceError) as refused, EmbeddedPostgres(tmp_path / "data"):
        pass
    assert "does not run on this machine (cannot run" in str(refused.value)
    assert str(refused.value).endswith("name a server of your own in DATABASE_URL")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="for root, whose folders PostgreSQL's user cannot look into")
def test_for_root_postgresql_runs_in_a_folder_that_its_user_cannot_reach_from_programs_it_can(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir(mode=0o700)
    copies = Path(tempfile.mkdtemp(prefix="bangfu-copies-"))
    copies.chmod(0o755)
    monkeypatch.setattr(postgres, "COPIES", copies)
    monkeypatch.setattr(postgres, "_is_open_to_all", lambda _: False)
    made = []
    for expected in ([], ["kept"]):
        with EmbeddedPostgres(tmp_path / "closed" / "postgres", durable=True) as server:
            assert words(server) == expected
            words(server, "kept")
            process = psutil.Process(server.pid)
            assert process.username() == "nobody"
            assert Path(process.exe()).is_relative_to(copies)
            made.append(os.stat(process.exe()).st_ino)
    assert made[0] == made[1], "it is copied once"
    shutil.rmtree(copies)


# --- Valkey


def test_valkey_answers_redis_py_at_its_url(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        assert client.set("greeting", "你好", nx=True)
        assert client.get("greeting") == "你好".encode()


def test_rq_works_on_valkey_in_process_and_in_a_forked_child(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        queue = Queue("jobs", connection=client)
        for worker in (SimpleWorker, Worker):
            job = queue.enqueue("operator.add", 2, 3)
            worker([queue], connection=client).work(burst=True, with_scheduler=True)
            assert job.return_value() == 5


@pytest.mark.chaos
def test_valkey_keeps_its_data_over_a_restart_at_the_same_url(tmp_path):
    server = EmbeddedValkey(tmp_path)
    for expected in (None, b"kept"):
        with server, redis.Redis.from_url(server.url) as client:
            assert client.get("key") == expected
            client.set("key", "kept")


def test_valkey_forgets_where_nothing_should_be_kept(tmp_path):
    server = EmbeddedValkey(tmp_path, keep=False)
    for _ in range(2):
        with server, redis.Redis.from_url(server.url) as client:
            assert client.set("key", "value", nx=True)


def test_valkey_opens_its_socket_to_nobody_else_and_listens_on_no_port(valkey):
    path = valkey.url.removeprefix("unix://").partition("?")[0]
    assert os.stat(path).st_mode & 0o077 == 0
    assert not [c for c in psutil.Process(valkey.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]


def test_a_folder_with_a_long_name_still_gets_a_socket(tmp_path):
    with EmbeddedValkey(tmp_path / ("long" * 30)) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
        with pytest.raises(ServiceError, match="another program is using"):
            EmbeddedValkey(server.directory).start()
    assert not Path(server.url.removeprefix("unix://").partition("?")[0]).exists()


def test_a_second_valkey_in_one_folder_is_refused_and_the_first_goes_on(valkey):
    with pytest.raises(ServiceError, match="another program is using"):
        EmbeddedValkey(valkey.directory).start()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.ping()


def test_a_valkey_that_cannot_start_says_where_to_look(tmp_path):
    (tmp_path / "valkey.rdb").write_bytes(b"no database at all")
    with pytest.raises(ServiceError, match=r"valkey\.log"):
        EmbeddedValkey(tmp_path).start()
    assert "loading the DB" in (tmp_path / "valkey.log").read_text()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.chaos
def test_valkey_ends_when_its_starter_is_killed(tmp_path, ending):
    code = """if True:
        import sys, time
        from pathlib import Path
        from bot.processes.valkey import EmbeddedValkey
        with EmbeddedValkey(Path(sys.argv[1])) as server:
            print(server.pid, flush=True)
            time.sleep(60)
    """
    with python(code, str(tmp_path)) as starter:
        pid = int(read_line(starter))
        assert is_alive(pid)
        starter.send_signal(ending)
        starter.wait()
        with EmbeddedValkey(tmp_path) as server, redis.Redis.from_url(server.url) as client:
            assert client.ping()
            assert wait_until(lambda: not is_alive(pid))


# --- The supervisor


def note(path: Path, word: str) -> list[str]:
    """A program that says it is ready, and writes its word when it is asked to end."""
    code = """if True:
        import signal, sys, time
        def leave(*_):
            with open(sys.argv[1], "a") as file:
                file.write(sys.argv[2] + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        open(sys.argv[1] + "." + sys.argv[2], "w").close()
        time.sleep(60)
    """
    return [sys.executable, "-c", code, str(path), word]


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_children_last_started_first(tmp_path, asking):
    order = tmp_path / "order"
    with Processes() as processes:
        for word in ("web", "worker", "page"):
            processes.start(word, note(order, word))
            assert wait_until((tmp_path / f"order.{word}").exists)
        os.kill(os.getpid(), asking)
        assert wait_until(lambda: not processes.healthy)
        assert processes.wait() == 0
    assert order.read_text() == "page worker web "


def test_when_one_child_fails_the_others_end_and_its_code_is_the_answer():
    before = psutil.Process().children()
    with Processes() as processes:
        processes.start("steady", SLEEPER)
        processes.start("broken", [sys.executable, "-c", "raise SystemExit(7)"])
        assert processes.wait() == 7
        assert psutil.Process().children() == before


def test_a_child_that_a_signal_ended_counts_as_the_shell_counts():
    with Processes() as processes:
        processes.start("killed", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
        assert processes.wait() == 128 + 9


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
@pytest.mark.chaos
def test_when_a_watched_server_dies_the_children_end_and_it_is_named(tmp_path, kind):
    with kind(tmp_path) as server, capture_logs() as logs, Processes() as processes:
        before = psutil.Process().children()
        processes.watch("server", server)
        processes.start("steady", SLEEPER)
        assert processes.healthy
        os.kill(server.pid, signal.SIGKILL)
        assert processes.wait() == 128 + 9
        assert set(psutil.Process().children()) <= set(before)
    assert [(line["event"], line["process"]) for line in logs] == [("process_ended", "server")]


def test_a_child_that_finishes_in_peace_ends_the_others_without_an_error():
    with Processes() as processes:
        processes.start("steady", SLEEPER)
        processes.start("done", [sys.executable, "-c", ""])
        assert processes.wait() == 0


@pytest.mark.chaos
def test_a_child_that_does_not_listen_is_killed_after_the_grace(capfd):
    with Processes(grace=0.2) as processes:
        processes.start("deaf", STUBBORN)
        assert wait_until(lambda: "deaf" in capfd.readouterr().out)
        processes.start("done", [sys.executable, "-c", ""])
        assert processes.wait() == 128 + 9


def test_a_command_that_does_not_exist_is_named(capfd):
    with Processes() as processes:
        processes.start("missing", ["/no/such/program"])
        assert processes.wait() == 127
    assert "/no/such/program" in capfd.readouterr().err


def test_a_ctrl_c_in_the_terminal_does_not_reach_the_children():
    with Processes() as processes:
        before = psutil.Process().children()
        processes.start("steady", SLEEPER)
        [child] = [each for each in psutil.Process().children() if each not in before]
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_children_get_our_environment_and_what_is_added(tmp_path, monkeypatch):
    monkeypatch.setenv("OURS", "1")
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ['OURS'] + os.environ['ADDED'])"
    with Processes() as processes:
        processes.start("child", [sys.executable, "-c", code, str(tmp_path / "seen")], {"ADDED": "2"})
        assert processes.wait() == 0
    assert (tmp_path / "seen").read_text() == "12"


def test_an_error_inside_the_block_ends_the_children_and_gives_the_signals_back():
    children, handler = psutil.Process().children(), signal.getsignal(signal.SIGINT)
    with suppress(ZeroDivisionError), Processes() as processes:
        processes.start("steady", SLEEPER)
        raise ZeroDivisionError
    assert psutil.Process().children() == children
    assert signal.getsignal(signal.SIGINT) is handler


def test_one_name_is_one_process():
    with Processes() as processes:
        processes.start("web", SLEEPER)
        with pytest.raises(ValueError, match="web"):
            processes.start("web", SLEEPER)


@pytest.mark.chaos
def test_children_end_when_the_supervisor_is_killed():
    code = """if True:
        import sys, psutil
        from bot.processes.supervisor import Processes
        with Processes() as processes:
            processes.start("steady", [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"])
            print(*(child.pid for child in psutil.Process().children()), flush=True)
            processes.wait()
    """
    with python(code) as supervisor:
        lines = {read_line(supervisor), read_line(supervisor)}
        pid = int((lines - {"up"}).pop())
        supervisor.kill()
    assert wait_until(lambda: not is_alive(pid))
