"""The platform's inbound side: it brings one message to the account's server, and says what the person then sees.

A server has five seconds. When it is late, out of reach or answers anything
but 200, the same message comes again, three times in all. Each delivery is
signed afresh (whether the real platform does so is nowhere written).
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from bot.simulator.envelope import Content, Fields, address, document
from bot.simulator.options import Mode, Options
from bot.simulator.reply import Reader, Reading
from bot.simulator.rules import Reply, Violation
from bot.simulator.sealing import Sealer, signature
from bot.simulator.wire import Post

DELIVERIES = 3
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "Mozilla/4.0"}


class Status(StrEnum):
    """What the person sees."""

    REPLIED = "replied"
    SILENT = "silent"
    UNAVAILABLE = "unavailable"
    """The line that the account cannot serve them for the moment."""


@dataclass(frozen=True)
class Attempt:
    """``outcome``: answered, timeout, unreachable or http_status."""

    outcome: str
    ms: int
    http_status: int = 0
    wire_request: str = ""
    wire_reply: str = ""


@dataclass(frozen=True)
class Delivery:
    """``request_xml`` and ``reply_xml`` are readable; what went over the wire is in ``attempts``."""

    status: Status
    reply: Reply | None
    violations: tuple[Violation, ...]
    request_xml: str
    reply_xml: str
    attempts: tuple[Attempt, ...]
    ms: int

    @property
    def reply_text(self) -> str:
        return self.reply.text if self.reply else ""


class Platform:
    """Delivers to one account's server."""

    def __init__(self, options: Options, post: Post, clock: Callable[[], float]) -> None:
        self._options = options
        self._post = post
        self._clock = clock
        self._sealer = Sealer(options.app_id, options.aes_key)
        self._reader = Reader(options)
        self._lock = threading.Lock()
        self._last_event: dict[tuple[str, str, str], int] = {}
        self._last_msg_id = int(clock() * 1000) << 20

    def deliver(self, content: Content, openid: str) -> Delivery:
        """Waits for the outcome: at most three times the deadline."""
        created, msg_id = self._number(content, openid)
        request_xml = address(content, self._options.account, openid, created, msg_id)
        start = time.monotonic()
        attempts: list[Attempt] = []
        reading = Reading()
        while len(attempts) < DELIVERIES:
            attempt, body = self._attempt(request_xml, openid)
            attempts.append(attempt)
            if attempt.outcome == "answered":
                reading = self._reader.read(body, openid)
                break
        answered = attempts[-1].outcome == "answered"
        ms = round((time.monotonic() - start) * 1000)
        status = _status(answered, reading, content.answerable)
        return Delivery(status, reading.reply, reading.violations, request_xml, reading.xml, tuple(attempts), ms)

    def signed_query(self, sealed: str = "", **more: str) -> str:
        """The query of a delivery now; ``sealed`` adds the signature over the sealed body."""
        timestamp, nonce = str(int(self._clock())), str(secrets.randbelow(10**10))
        query = {"signature": signature(self._options.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        query |= more
        if sealed:
            query["encrypt_type"] = "aes"
            query["msg_signature"] = signature(self._options.token, timestamp, nonce, sealed)
        return urlencode(query)

    def _attempt(self, request_xml: str, openid: str) -> tuple[Attempt, bytes]:
        sealed = "" if self._options.mode is Mode.PLAIN else self._sealer.seal(request_xml.encode())
        wire = self._wrap(request_xml, sealed)
        url = f"{self._options.bot_url}?{self.signed_query(sealed, openid=openid)}"
        start = time.monotonic()
        http_status, body = 0, b""
        try:
            http_status, body = self._post(url, wire.encode(), HEADERS, self._options.deadline)
            outcome = "answered" if http_status == 200 else "http_status"
        except TimeoutError:
            outcome = "timeout"
        except ConnectionError:
            outcome = "unreachable"
        ms = round((time.monotonic() - start) * 1000)
        return Attempt(outcome, ms, http_status, wire, body.decode("utf-8", "replace")), body

    def _wrap(self, request_xml: str, sealed: str) -> str:
        """Plain: as it is. Compatible: both bodies. Safe: only the sealed one."""
        if self._options.mode is Mode.PLAIN:
            return request_xml
        envelope: Fields = [("ToUserName", self._options.account), ("Encrypt", sealed)]
        if self._options.mode is Mode.SAFE:
            return document(envelope)
        return request_xml.removesuffix("</xml>") + f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"

    def _number(self, content: Content, openid: str) -> tuple[int, int]:
        """CreateTime and MsgId. Only the second tells one person's equal events apart, so they never share it."""
        with self._lock:
            self._last_msg_id += 1 + secrets.randbelow(1000)
            created = int(self._clock())
            if content.event:
                event = (openid, content.event, content.event_key)
                created = max(created, self._last_event.get(event, 0) + 1)
                self._last_event[event] = created
            return created, self._last_msg_id


def _status(answered: bool, reading: Reading, answerable: bool) -> Status:
    if not answerable:
        return Status.SILENT
    if not answered or reading.violations:
        return Status.UNAVAILABLE
    if reading.reply is None or reading.reply.kind == "transfer_customer_service":
        return Status.SILENT
    return Status.REPLIED
