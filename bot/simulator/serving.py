"""Serves the simulator from one process: threads over one memory, answers written in one piece."""

import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

PR_SET_PDEATHSIG = 1


class Handler(WSGIRequestHandler):
    """Unbuffered small writes meet the kernel's delayed acknowledgements: 40 ms for each answer."""

    wbufsize = -1
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The page's log shows what matters."""


def listen(host: str, port: int) -> socket.socket:
    """Port 0 takes a free one. Raises OSError where the port is taken."""
    return socket.create_server((host, port), reuse_port=False)


def serve_until_told(app: Flask, listener: socket.socket) -> None:
    """Returns at once on SIGTERM or SIGINT, whatever is under way."""
    host, port = listener.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with contextlib.suppress(Stopped):
        server.serve_forever()


@contextlib.contextmanager
def serving(app: Flask, port: int = 0, listener: socket.socket | None = None) -> Iterator[str]:
    """Serves it at this port (0: a free one) from a thread of the caller's process; yields its address.

    ``listener``: where the caller listens already, instead of the port; it stays the caller's to close.
    """
    fd = listener.fileno() if listener else None
    port = listener.getsockname()[1] if listener else port
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Handler, fd=fd)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="simulator", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Stopped(BaseException):
    """Raised in the main thread by a signal; no handler of ordinary errors may keep it."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def die_with_parent() -> None:
    """On Linux the kernel ends us when whoever started us is gone; elsewhere they must do it."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
