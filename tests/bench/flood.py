"""An open-loop load: so many deliveries a second, whether or not those before were answered, as a crowd sends them.

Run in a process of its own. Each connection has one delivery under way; what is due while all of them wait is held
back, and counted. Deliveries are in plain mode, so that one signature a second serves for all of that second.
"""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from urllib.parse import urlencode

from tests.harness.platform import wechat

_PATIENCE = 120.0


@dataclass
class Heard:
    """What came of the deliveries: seconds of those that were taken (200), and of those that were refused (503).

    ``held_back``: the most that were due at one time and found no idle connection."""

    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    odd: int = 0
    unanswered: int = 0
    reconnects: int = 0
    held_back: int = 0
    elapsed: float = 0.0

    def note(self, status: str, seconds: float) -> None:
        kept = {"200": self.taken, "503": self.refused}.get(status)
        if kept is None:
            self.odd += 1
        else:
            kept.append(seconds)


def deliveries(people: int, words: str, first: int) -> Iterator[bytes]:
    """One person's text after another's; each has a number of its own, from ``first`` on."""
    platform, at, head = wechat.WeChat(), 0, b""
    openids = cycle([f"o-storm-{number:05}" for number in range(people)])
    for number in count(first):
        if int(time.time()) != at:
            at = int(time.time())
            head = f"POST /wechat?{urlencode(platform.signed())} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        body = wechat.push("text", next(openids), at, MsgId=number, Content=words).encode()
        yield b"%sContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


class _Client:
    """One connection; ``sent_at``: when the delivery that is under way was sent."""

    def __init__(self, port: int) -> None:
        self.sent_at, self._buffer = 0.0, b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, delivery: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(delivery)

    def receive(self) -> tuple[str, bool]:
        """Return the status of an answer that is whole, else "", and whether the connection has ended."""
        part = self.socket.recv(65536)
        self._buffer += part
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        head = head.lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        if not gap or len(body) < length:
            return "", not part
        self._buffer = b""
        return head[9:12].decode(), b"connection: close" in head


class Flood:
    """``connections`` to a port, and what was heard from them."""

    def __init__(self, port: int, connections: int) -> None:
        self._port, self.heard = port, Heard()
        self._poll = select.epoll()
        self._clients: dict[int, _Client] = {}
        self._idle: dict[_Client, None] = {}
        for _ in range(connections):
            self._connect()

    def run(self, requests: Iterator[bytes], rate: float, seconds: float, most: int) -> None:
        """Send ``rate`` a second, for this long or until ``most`` were sent; then hear what is still owed."""
        sent, begin = 0, time.perf_counter()
        while (passed := time.perf_counter() - begin) < seconds and sent < most:
            due = min(most, int(passed * rate))
            while sent < due and self._idle:
                self._idle.popitem()[0].send(next(requests))
                sent += 1
            self.heard.held_back = max(self.heard.held_back, due - sent)
            self._hear(0.001)
        self.heard.elapsed = time.perf_counter() - begin
        while len(self._idle) < len(self._clients) and self._hear(_PATIENCE):
            pass
        self.heard.unanswered = len(self._clients) - len(self._idle)

    def close(self) -> None:
        for client in self._clients.values():
            client.socket.close()
        self._poll.close()

    def _connect(self) -> None:
        client = _Client(self._port)
        self._clients[client.socket.fileno()] = client
        self._poll.register(client.socket, select.EPOLLIN)
        self._idle[client] = None

    def _hear(self, patience: float) -> int:
        """Receive what has come, or comes within this time; returns from how many connections."""
        events = self._poll.poll(patience)
        for number, _ in events:
            client = self._clients[number]
            status, has_ended = client.receive()
            if status:
                self.heard.note(status, time.perf_counter() - client.sent_at)
            if has_ended:
                del self._clients[number]
                self._idle.pop(client, None)
                client.socket.close()
                self.heard.reconnects += 1
                self._connect()
            elif status:
                self._idle[client] = None
        return len(events)


def run(port: int, rate: float, seconds: float, most: int, connections: int, people: int, first: int) -> Heard:
    flood = Flood(port, connections)
    flood.run(deliveries(people, "菜单", first), rate, seconds, most)
    flood.close()
    return flood.heard
