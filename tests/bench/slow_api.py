"""WeChat's API as the push bench needs it: any call is answered well, so many milliseconds after it came.

Its own program, so that its work is not the worker's: ``python -m tests.bench.slow_api PORT MILLISECONDS``.
"""

import asyncio
import json
import re
import sys
from itertools import count

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class Api(asyncio.Protocol):
    """One connection, kept open; calls come one after another."""

    def __init__(self, seconds: float, numbers: "count[int]") -> None:
        self._seconds, self._numbers, self._received = seconds, numbers, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if not end or len(rest) < length:
            return
        self._received = rest[length:]
        answer = {"errcode": 0, "errmsg": "ok", "msgid": next(self._numbers)}
        if b"stable_token" in head:
            answer = {"access_token": "bench-token", "expires_in": 7200}
        body = json.dumps(answer).encode()
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        asyncio.get_running_loop().call_later(self._seconds, self._answer, reply)

    def _answer(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


async def serve(port: int, seconds: float) -> None:
    numbers = count(1)
    server = await asyncio.get_running_loop().create_server(lambda: Api(seconds, numbers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
