"""Name the command line of the web server: that of the demo, of the tests, and of docs/operating.md."""

import sys
from collections.abc import Sequence

# HTTP/1 alone: by HTTP/2 one connection could hold two hundred requests, each with its body. A proxy speaks 1.1.
# The header's time-out is in milliseconds, and so is how long an idle connection is kept; its buffer is in bytes.
LIMITS = ("--http", "1", "--http1-header-read-timeout", "10000", "--http1-buffer-size", "16384", "--backlog", "4096")
OPTIONS = ("--interface", "rsgi", *LIMITS, "--no-ws")
TARGET = "wsgi:buffered"


def command_line(port: int | str, *more: str, target: Sequence[str] = (TARGET,), level: str = "error") -> list[str]:
    """Make the command that serves at this port of the loopback."""
    listen = ["--host", "127.0.0.1", "--port", str(port), "--log-level", level]
    return [sys.executable, "-m", "granian", *OPTIONS, *listen, *more, *target]
