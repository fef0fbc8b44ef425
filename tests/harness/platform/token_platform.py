"""A platform that gives tokens, played by hand."""

import json
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

SECRET = "s3cret0f0urs0wn0000000000000000x"


Answer = dict[str, Any] | Response


Handler = Callable[[Request], Answer]


def agree(_: Request) -> Answer:
    return {"errcode": 0, "errmsg": "ok"}


class Platform:
    """Plays the platform on loopback: hands out tokens, refuses dead ones, keeps every request it got."""

    def __init__(self) -> None:
        self.number = 1
        self.life = 7200
        self.handlers: dict[str, Handler] = {"stable_token": self.stable_token}
        self.received: list[tuple[str, Request]] = []
        self._lock = Lock()

    def answer(self, path: str, body: Answer | Handler) -> None:
        """From now on this path answers so; ``body`` is an answer, or a function of the request."""
        self.handlers[path] = body if callable(body) and not isinstance(body, Response) else lambda _: body

    def calls(self, path: str) -> list[Request]:
        return [request for name, request in self.received if name == path]

    def fetches(self, forced: bool = False) -> int:
        return sum(json.loads(request.get_data())["force_refresh"] == forced for request in self.calls("stable_token"))

    @property
    def token(self) -> str:
        return f"t0ken-{self.number}-of-this-account"

    def renew(self) -> None:
        """As if somebody else had forced a new token: the old one is dead."""
        with self._lock:
            self.number += 1

    def stable_token(self, request: Request) -> Answer:
        if json.loads(request.get_data())["force_refresh"]:
            self.renew()
        return {"access_token": self.token, "expires_in": self.life}

    def respond(self, request: Request) -> Response:
        path = request.path.removeprefix("/cgi-bin/").lstrip("/")
        with self._lock:
            self.received.append((path, request))
        if path != "stable_token" and request.args.get("access_token") != self.token:
            answer: Answer = {"errcode": 40001, "errmsg": "invalid credential rid: 6744aa-01"}
        else:
            answer = self.handlers.get(path, agree)(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer, ensure_ascii=False))


class Connection(BaseHTTPRequestHandler):
    """Keeps connections open between calls, as the platform does (werkzeug's own server never does)."""

    server: "PlatformServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        caller = {"REMOTE_PORT": str(self.client_address[1])}
        environ = EnvironBuilder(
            self.path, method=self.command, headers=list(self.headers.items()), data=body, environ_overrides=caller
        ).get_environ()
        request = Request(environ)
        request.get_data(cache=True)
        try:
            self.send(self.server.platform.respond(request))
        except ConnectionError:  # an answer told us to hang up, or the caller did
            self.close_connection = True

    do_POST = do_GET

    def send(self, response: Response) -> None:
        if not response.is_streamed:
            response.headers.setdefault("Content-Length", str(len(response.get_data())))
        self.close_connection = response.is_streamed or response.headers.get("Connection") == "close"
        self.send_response_only(response.status_code)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in response.iter_encoded():
            self.wfile.write(piece)
            self.wfile.flush()


class PlatformServer(ThreadingHTTPServer):
    def __init__(self, platform: Platform) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.platform = platform


@contextmanager
def serving(platform: Platform) -> Iterator[str]:
    with PlatformServer(platform) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def hang_up(_: Request) -> Answer:
    """The request has come in whole, and the connection breaks before any answer."""
    raise ConnectionAbortedError


def impatient_redis(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def nowhere() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def everything_said(error: BaseException) -> str:
    """All that a log, a debugger or a crash report could show of an exception and whatever hangs on it."""
    text = "".join(traceback.format_exception(error))
    link: BaseException | None = error
    while link is not None:
        text += f"{link!r} {link} {link.args!r} {vars(link)!r}"
        link = link.__cause__ or link.__context__
    return text


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def api_url(platform: Platform) -> Iterator[str]:
    with serving(platform) as url:
        yield url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with impatient_redis(redis_url) as connection:
        yield connection
