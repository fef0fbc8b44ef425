"""Buffer each request's body, within a size and a deadline, before one of its lane's threads is taken.

Under granian's WSGI a thread is taken first and then waits for the body, for as long as that takes: eight clients that
never send theirs stop the process. Here, under granian's RSGI, whoever has not sent all of it costs a connection and
at most LARGEST bytes, and is cut off at the deadline, however many bytes they drip until then. Files go out past the
threads as well, so that slow readers take none either.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, Any

import structlog
from granian.rsgi import (  # type: ignore[attr-defined]  # granian hands them on without saying so
    HTTPProtocol,
    ProtocolClosed,
    ProtocolError,
    Scope,
)
from werkzeug.wsgi import FileWrapper

from bot.web.body import LARGEST
from bot.web.lanes import LANES, Lane, LaneQueue, lane_of

log = structlog.get_logger()

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

# For the whole body. WeChat gives up after five seconds, and a body of LARGEST takes one on a slow line.
BODY_SECONDS = 10.0
_CLOSE = ("connection", "close")
_UNTOLD = frozenset({"content-length", "transfer-encoding", "range", "if-range"})


class SentFile(FileWrapper):
    """The file that a response consists of: the server sends it by its name, and nobody reads it here."""

    def __init__(self, file: IO[bytes], buffer_size: int = 8192) -> None:
        super().__init__(file, buffer_size)
        self.path = str(file.name)


@dataclass(slots=True)
class Answer:
    """``file``: the path of what is sent instead of ``body``."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: str = ""


@dataclass(slots=True)
class _Request:
    """A whole request that waits for a thread. ``is_last``: its connection is closed after it.

    ``answered``: its task on the loop ends with this."""

    environ: dict[str, Any]
    protocol: HTTPProtocol
    is_last: bool
    answered: asyncio.Future[None]


class BufferedApp:
    """The WSGI application as granian's RSGI calls it; a request takes the lane of its path (bot.web.lanes).

    ``seconds``: for a whole body; ``most``: the bytes of the longest that is read. What is longer comes to the
    application unread, with a length that it refuses.

    A thread hands its response to the server by itself. An executor would wake the loop for it and make two futures,
    which costs a tenth of a whole turn."""

    def __init__(
        self, app: Application, lanes: Iterable[Lane] = LANES, seconds: float = BODY_SECONDS, most: int = LARGEST
    ) -> None:
        self._app, self._seconds, self._most = app, seconds, most
        self._queues: dict[str, LaneQueue[_Request]] = {lane.name: LaneQueue(lane) for lane in lanes}
        self._is_working = False

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        came_at = time.monotonic()
        queue = self._queues[lane_of(scope.path)]
        if queue.is_full():  # before its body: what a flood sends is to cost as little as it can
            _refuse(protocol, queue.lane)
            return
        headers = scope.headers
        stated, is_chunked = headers.get("content-length"), "transfer-encoding" in headers
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(protocol, None if is_chunked else int(stated or 0))
        except TimeoutError:
            log.warning("body.too_slow", method=scope.method)
            protocol.response_empty(408, [_CLOSE])
            return
        except (ProtocolClosed, ProtocolError):
            log.warning("body.cut_off", method=scope.method)
            protocol.response_empty(400, [_CLOSE])
            return
        if queue.is_full():  # by now: many may have sent their bodies at once
            _refuse(protocol, queue.lane)
            return
        environ = environ_of(scope, body)
        if body is None:
            environ["CONTENT_LENGTH"] = str(self._most + 1)
        if not self._is_working:  # not before: a command that only loads the application needs no threads
            self._is_working = True
            self._start_threads()
        answered = asyncio.get_running_loop().create_future()
        queue.put(came_at, _Request(environ, protocol, body is None, answered))
        await answered

    def _start_threads(self) -> None:
        for queue in self._queues.values():
            for number in range(queue.lane.threads):
                name = f"web-{queue.lane.name}-{number}"
                threading.Thread(target=self._work, args=(queue,), name=name, daemon=True).start()

    async def _read(self, protocol: HTTPProtocol, stated: int | None) -> bytes | None:
        """Read the body. ``stated``: its length, None if chunked. Returns None for one that is longer than any may be.

        Raises ProtocolError where the client broke off."""
        if stated is not None:
            return b"" if stated == 0 else await protocol() if stated <= self._most else None
        body = bytearray()
        async for chunk in protocol:
            body += chunk
            if len(body) > self._most:
                return None
        return bytes(body)

    def _work(self, queue: LaneQueue[_Request]) -> None:
        """Answer one request of the lane after another, in one of its threads, as long as the process lives."""
        while True:
            request, is_late = queue.take()
            try:
                if is_late:
                    _refuse(request.protocol, queue.lane)
                else:
                    self._respond(request)
            except ProtocolClosed:
                log.info("request.client_gone")
            except Exception:  # of any kind: the thread has to live on; granian answers 500 for what has no response
                log.exception("request.failed")
            with suppress(RuntimeError):  # the loop has ended, and with it the server
                request.answered.get_loop().call_soon_threadsafe(_finish, request.answered)

    def _respond(self, request: _Request) -> None:
        answer = self._answer(request.environ)
        if request.is_last:
            answer.headers.append(_CLOSE)
        _send(request.protocol, answer)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        """Call the application."""
        answer = Answer()

        def start(status: str, headers: Headers, _: Any = None) -> None:
            answer.status, answer.headers = int(status.partition(" ")[0]), list(headers)

        parts = self._app(environ, start)
        try:
            if isinstance(parts, SentFile):
                answer.file = parts.path
            else:
                answer.body = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        return answer


def environ_of(scope: Scope, body: bytes | None) -> dict[str, Any]:
    """Make WSGI's environ of granian's scope (PEP 3333). A header is left out whose name has an underscore: it would
    pass for the one with a hyphen, as in X_Forwarded_For."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body or b""),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in _headers(scope):
        environ[name] = f"{environ[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}" if name in environ else value
    environ["CONTENT_LENGTH"] = str(len(body or b""))
    environ["wsgi.file_wrapper"] = SentFile
    return environ


def _headers(scope: Scope) -> Iterator[tuple[str, str]]:
    """The body is whole by now, so neither its encoding nor its length on the way is told. Files go out whole: of a
    range granian 2.8.7 leaves out the end."""
    for name, value in scope.headers.items():
        if name == "content-type":
            yield "CONTENT_TYPE", value
        elif name not in _UNTOLD and "_" not in name:
            yield f"HTTP_{name.upper().replace('-', '_')}", value


def _refuse(protocol: HTTPProtocol, lane: Lane) -> None:
    with suppress(ProtocolClosed):  # a refused client that is gone misses nothing
        protocol.response_bytes(503, list(lane.headers), lane.body)


def _finish(answered: asyncio.Future[None]) -> None:
    if not answered.done():  # the server cancels what runs when it ends
        answered.set_result(None)


def _send(protocol: HTTPProtocol, answer: Answer) -> None:
    if answer.file:
        protocol.response_file(answer.status, answer.headers, answer.file)
    else:
        protocol.response_bytes(answer.status, answer.headers, answer.body)
