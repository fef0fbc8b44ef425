"""A small load generator: keep-alive connections, prepared requests, one thread that waits on all of them."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Figures:
    """Seconds per request, and how many answers were not a 200 with what was wanted in it."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    failed: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0

    def percentile(self, part: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0


class _Client:
    """One connection with its own requests, one at a time."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = requests
        self.buffer = b""
        self.sent_at = 0.0

    def send(self) -> bool:
        request = next(self.requests, None)
        if request is None:
            return False
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bytes | None:
        """A whole answer, or None until it is whole."""
        self.buffer += self.socket.recv(65536)
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not gap:
            return None
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(body) < length:
            return None
        answer, self.buffer = self.buffer, b""
        return answer


def run(port: int, per_connection: Sequence[Iterator[bytes]], seconds: float, wanted: Sequence[bytes] = ()) -> Figures:
    """Drive every connection as fast as it is answered, for this long or until its requests are used up.

    ``wanted``: of which each answer must hold one.
    """
    figures = Figures()
    with selectors.DefaultSelector() as selector:
        clients = [_Client(port, requests) for requests in per_connection]
        begin = time.perf_counter()
        open_clients = 0
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            open_clients += client.send()
        end = begin + seconds
        while open_clients and time.perf_counter() < end + 10:
            for key, _ in selector.select(timeout=1):
                client = key.data
                answer = client.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                figures.seconds.append(now - client.sent_at)
                found = not wanted or any(words in answer for words in wanted)
                figures.failed += not (found and answer.startswith(b"HTTP/1.1 200"))
                if now >= end or not client.send():
                    open_clients -= 1
        figures.elapsed = time.perf_counter() - begin
        for client in clients:
            client.socket.close()
    return figures
