"""Supervise several programs that start and end together.

Nothing started here outlives its starter: see ``bot.processes.leash``. Every child is a process group
of its own, so that a Ctrl-C in the terminal reaches the starter alone, which then ends its
children in order.
"""

import fcntl
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import structlog

from bot.processes.leash import leashed

log = structlog.get_logger()

_GLANCE = 0.05


class ServiceError(Exception):
    """A service did not start; the message says why, for the person at the terminal."""


# Linux gives a program that asks for any port one from 32768 on. Ours lie below, so that no program is given a port
# between our look at it and its use; each process begins at another one, and takes them in turn.
_FIRST, _MANY = 20_000, 12_000
_ports = itertools.count(os.getpid() * 4_999)


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that was free a moment ago."""
    while True:
        port = _FIRST + next(_ports) % _MANY
        with socket.socket() as door, suppress(OSError):
            door.bind(("127.0.0.1", port))
            return port


def demand_free(port: int, patience: float = 0.0) -> None:
    """Raise ServiceError if a program listens on 127.0.0.1:port, or on every address at that port.

    A server that shares its port (granian does) would not notice, and each would get some of the other's requests.
    ``patience``: seconds to wait for a server that is ending.
    """
    deadline = time.monotonic() + patience
    while error := _taken(port):
        if time.monotonic() >= deadline:
            raise ServiceError(f"port {port} is taken ({error.strerror}); PORT and SIMULATOR_PORT name others")
        time.sleep(_GLANCE)


def _taken(port: int) -> OSError | None:
    with socket.socket() as door:
        # Connections that an ended server left in TIME_WAIT do not count, as they do not for the next server.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None


def hold(folder: Path) -> int:
    """Lock the folder for this process, until it closes the returned file descriptor or ends.

    Raises ServiceError if another process holds it.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ServiceError(f"another program is using {folder}; end it first, or name another folder") from None
    return lock


def spawn(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own command lines, without a shell
        leashed(command), env=environment, stdin=subprocess.DEVNULL, process_group=0
    )


def end(process: subprocess.Popen[bytes], grace: float, asking: signal.Signals = signal.SIGTERM) -> bool:
    """End a process that leads its group: signal it, and after ``grace`` seconds kill the whole group.

    True if the signal was enough.
    """
    process.send_signal(asking)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


class Server:
    """A server program that runs as our own child; ``_process`` is None while it does not run."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """The exit code of a server that has ended by itself, else None."""
        return self._process.poll() if self._process else None


class Processes:
    """Child programs that live and end together. Use it as a context manager, in the main thread.

        with Processes() as processes:
            processes.start("web", ["granian", ...])
            processes.start("worker", ["flask", "worker"])
            sys.exit(processes.wait())

    Inside the block SIGINT, SIGTERM and SIGHUP no longer interrupt Python: they make
    ``healthy`` false and ``wait`` return.
    """

    def __init__(self, grace: float = 10.0, together: bool = False) -> None:
        """Set up the supervisor. ``grace``: seconds that each child has to end when asked, before it is killed.

        ``together``: all are asked at once, for children that do not depend on each other.
        """
        self._grace = grace
        self._together = together
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._servers: dict[str, Server] = {}
        self._code = 0
        self._asked_to_end = False
        self._handlers: dict[signal.Signals, Any] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a child with our own environment and ``environment`` on top; it shares our output."""
        if name in self._children:
            raise ValueError(f"two processes are called {name}")
        self._children[name] = spawn(command, {**os.environ, **(environment or {})})

    def watch(self, name: str, server: Server) -> None:
        """Let all children end when this server ends by itself. Who has started the server ends it otherwise."""
        self._servers[name] = server

    @property
    def healthy(self) -> bool:
        """Whether all children and servers run and no signal has asked us to end. For loops that wait for a child."""
        codes = [child.poll() for child in self._children.values()]
        codes += [server.exit_code for server in self._servers.values()]
        return not self._asked_to_end and all(code is None for code in codes)

    def wait(self) -> int:
        """Wait until a child or server ends by itself or we are asked to end; end all children, and return the code.

        It is 0, or that of the first that failed (128 plus the signal's number if a signal ended it).
        """
        while self.healthy:
            time.sleep(_GLANCE)
        self._end_all()
        return self._code

    def _end_all(self) -> None:
        """End all children, the last started first, since later ones depend on earlier ones."""
        while self._servers:
            name, server = self._servers.popitem()
            if server.exit_code is not None:
                self._note(name, server.exit_code)
        for name, child in list(self._children.items()):
            if child.poll() is not None:
                self._note(name, child.returncode)
            elif self._together:
                child.terminate()
        while self._children:
            name, child = self._children.popitem()
            if child.poll() is None and not end(child, self._grace):
                self._note(name, child.returncode)

    def _note(self, name: str, returncode: int) -> None:
        code = returncode if returncode >= 0 else 128 - returncode
        log.warning("process_ended", process=name, code=code)
        self._code = self._code or code

    def _on_signal(self, *_: object) -> None:
        self._asked_to_end = True

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
