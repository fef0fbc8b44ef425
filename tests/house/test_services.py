"""Whatever we start ends when we end: asked, interrupted or killed; and it is really there in between."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis
from rq import Queue, SimpleWorker, Worker

from bot.processes.supervisor import EmbeddedValkey, Processes, ServiceError, free_port

ROOT = Path(__file__).parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], patience: float = 20.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


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


# --- Valkey


def test_valkey_answers_redis_py_at_its_url(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        assert client.set("greeting", "你好", nx=True)
        assert client.get("greeting") == "你好".encode()


def test_rq_works_on_valkey_in_process_and_in_a_forked_child(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        queue = Queue("errands", connection=client)
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
        from bot.processes.supervisor import EmbeddedValkey
        with EmbeddedValkey(Path(sys.argv[1])) as server:
            print(server.pid, flush=True)
            time.sleep(60)
    """
    with python(code, str(tmp_path)) as starter:
        pid = int(read_line(starter))
        assert is_alive(pid)
        starter.send_signal(ending)
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
