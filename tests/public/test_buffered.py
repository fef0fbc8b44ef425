"""Whatever happens to one request, the threads behind the buffer go on with the next."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # granian hands it on without saying so
from structlog.testing import capture_logs

from bot.web.buffered import BufferedApp
from bot.web.lanes import PAGES

GET: Any = SimpleNamespace(
    method="GET",
    headers={},
    server="127.0.0.1:1",
    client="127.0.0.1:2",
    path="/",
    query_string="",
    scheme="http",
    http_version="1.1",
)


class Client:
    """The server's side of one request: what was answered, unless it is gone."""

    def __init__(self, gone: Exception | None = None) -> None:
        self.gone, self.answered = gone, 0

    def response_bytes(self, status: int, _headers: Any, _body: bytes) -> None:
        if self.gone:
            raise self.gone
        self.answered = status


def test_a_failure_and_clients_that_are_gone_take_no_thread_away() -> None:
    fails = True

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if fails:
            raise LookupError
        start("200 OK", [])
        return [b""]

    buffered = BufferedApp(app, [replace(PAGES, threads=1)])

    async def ask(client: Any) -> int:
        await asyncio.wait_for(buffered.__rsgi__(GET, client), 10)
        return int(client.answered)

    async def ask_all() -> list[int]:
        nonlocal fails
        first = await ask(Client())
        fails = False
        return [first, await ask(Client(ProtocolClosed())), await ask(Client(OSError())), await ask(Client())]

    with capture_logs() as logs:
        assert asyncio.run(ask_all()) == [0, 0, 0, 200]
    assert [each["event"] for each in logs] == ["request.failed", "request.client_gone", "request.failed"]
