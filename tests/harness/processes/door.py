"""A door before a server on loopback, at which the way to it can be made to fail."""

import socket
import threading
from contextlib import suppress
from enum import StrEnum

_REFUSAL = "<Error><Code>{code}</Code><Message>no</Message></Error>"
_PIECE = 64 * 1024


class Way(StrEnum):
    """``HALF``: of each request so many bytes go through; ``CUT``: of each answer."""

    OPEN = "open"
    CLOSED = "closed"
    SILENT = "silent"
    REFUSING = "refusing"
    HALF = "half"
    CUT = "cut"


class Door:
    """Threads between a port of ours and the server's. ``knocks``: how many connections came."""

    def __init__(self, port: int) -> None:
        self._behind, self._way, self._status, self._code, self._most = port, Way.OPEN, 503, "", 0
        self._times: int | None = None
        self.knocks = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def set(self, way: Way, most: int = 0, code: str = "", status: int = 503, times: int | None = None) -> None:
        """``most``: the bytes that go through; ``times``: for so many connections, then it is open again."""
        self._way, self._most, self._code, self._status, self._times = way, most, code, status, times
        self._hang_up()

    def close(self) -> None:
        self._way = Way.CLOSED
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()
        self._thread.join()

    def _hang_up(self) -> None:
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            way = self._next_way()
            with self._lock:
                self._open.add(caller)
            self.knocks += 1  # whoever hears of it can hang it up
            threading.Thread(target=self._serve, args=(caller, way), daemon=True).start()

    def _next_way(self) -> Way:
        if self._times is None:
            return self._way
        self._times -= 1
        return self._way if self._times >= 0 else Way.OPEN

    def _serve(self, caller: socket.socket, way: Way) -> None:
        with self._kept(caller), suppress(OSError):
            if way is Way.CLOSED:
                return
            if way is Way.SILENT:
                while caller.recv(_PIECE):
                    pass
                return
            if way is Way.REFUSING:
                self._refuse(caller)
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as server, self._kept(server):
                back = threading.Thread(target=self._pump, args=(server, caller, way is Way.CUT), daemon=True)
                back.start()
                self._pump(caller, server, way is Way.HALF)
                back.join()

    def _kept(self, one: socket.socket) -> "_Kept":
        return _Kept(self._open, self._lock, one)

    def _refuse(self, caller: socket.socket) -> None:
        caller.recv(_PIECE)
        body = _REFUSAL.format(code=self._code)
        head = f"HTTP/1.1 {self._status} No\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        caller.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())

    def _pump(self, source: socket.socket, sink: socket.socket, cut: bool) -> None:
        """Pass on what comes, or as much as may; then both ends are hung up."""
        left = self._most if cut else -1
        with suppress(OSError):
            while left and (piece := source.recv(_PIECE if left < 0 else left)):
                sink.sendall(piece)
                left -= len(piece) if left > 0 else 0
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Kept:
    """A socket that a change at the door hangs up."""

    def __init__(self, open_ones: set[socket.socket], lock: threading.Lock, one: socket.socket) -> None:
        self._open, self._lock, self._one = open_ones, lock, one

    def __enter__(self) -> None:
        with self._lock:
            self._open.add(self._one)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open.discard(self._one)
        self._one.close()
