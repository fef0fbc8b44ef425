"""The platform's inbound side: it brings one message to the account's server, and says what the person then sees.

A server has five seconds. When it is late, out of reach or answers anything
but 200, the same message comes again, three times in all. Each delivery is
signed afresh (whether the real platform does so is nowhere written). A server
that fails again and again is left alone for a minute.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from bot.simulator.envelope import Content, Fields, address, document
from bot.simulator.faults import FaultDesk, Kind
from bot.simulator.options import Mode, Options
from bot.simulator.reply import Reader, Reading
from bot.simulator.rules import Reply, Violation
from bot.simulator.sealing import Sealer, signature
from bot.simulator.timeline import Timeline
from bot.simulator.wire import Post

DELIVERIES = 3
# doc/service/guide/dev/api/warn_guide has the minute; how many failures bring it on is nowhere written.
FAILURES_BEFORE_SILENCE = 5
SILENCE = 60.0
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "Mozilla/4.0"}


class Status(StrEnum):
    """What the person sees."""

    REPLIED = "replied"
    SILENT = "silent"
    UNAVAILABLE = "unavailable"
    """The line that the account cannot serve them for the moment."""


@dataclass(frozen=True)
class Attempt:
    """``outcome``: answered, timeout, unreachable, http_status, or by a fault dropped or late."""

    outcome: str
    ms: int
    http_status: int = 0
    wire_request: str = ""
    wire_reply: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """``request_xml`` and ``reply_xml`` are readable; what went over the wire is in ``attempts``.

    Without attempts the platform was silent: too much had failed just before.
    """

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

    def __init__(self, options: Options, post: Post, timeline: Timeline, faults: FaultDesk) -> None:
        self._options = options
        self._post = post
        self._timeline = timeline
        self._faults = faults
        self._sealer = Sealer(options.app_id, options.aes_key)
        self._reader = Reader(options)
        self._lock = threading.Lock()
        self._last_event: dict[tuple[str, str, str], int] = {}
        self._last_msg_id = int(timeline() * 1000) << 20
        self._failures = 0
        self._silent_until = 0.0
        self._passed = threading.Condition()
        self._delivered: dict[str, int] = {}

    def deliver(self, content: Content, openid: str) -> Delivery:
        """Waits for the outcome: at most three times the deadline, if no fault delays it."""
        created, msg_id = self._number(content, openid)
        request_xml = address(content, self._options.account, openid, created, msg_id)
        start = time.monotonic()
        attempts: list[Attempt] = []
        reading = Reading()
        with self._turn(openid):
            while len(attempts) < DELIVERIES and not self._is_silent():
                attempt, body, differs = self._attempt(request_xml, openid)
                attempts.append(attempt)
                if attempt.outcome == "answered":
                    reading = self._reader.read(body, openid)
                    if differs:
                        reading = replace(reading, violations=(*reading.violations, Violation("duplicate_differs")))
                    break
        answered = bool(attempts) and attempts[-1].outcome == "answered"
        self._count(well=answered and not reading.violations)
        ms = round((time.monotonic() - start) * 1000)
        status = _status(answered, reading, content.answerable)
        return Delivery(status, reading.reply, reading.violations, request_xml, reading.xml, tuple(attempts), ms)

    @property
    def silent_for(self) -> float:
        """Seconds for which nothing will be delivered."""
        return max(0.0, self._silent_until - self._timeline())

    def signed_query(self, sealed: str = "", **more: str) -> str:
        """The query of a delivery now; ``sealed`` adds the signature over the sealed body."""
        timestamp, nonce = str(int(self._timeline.true())), str(secrets.randbelow(10**10))
        query = {"signature": signature(self._options.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        query |= more
        if sealed:
            query["encrypt_type"] = "aes"
            query["msg_signature"] = signature(self._options.token, timestamp, nonce, sealed)
        return urlencode(query)

    def _attempt(self, request_xml: str, openid: str) -> tuple[Attempt, bytes, bool]:
        """One delivery: what became of it, the answer, and whether a duplicate got another answer."""
        faults = {fault.kind: fault for fault in self._faults.on_delivery(openid)}
        names = tuple(faults)
        sealed = "" if self._options.mode is Mode.PLAIN else self._sealer.seal(request_xml.encode())
        wire = self._wrap(request_xml, sealed)
        if Kind.DROP in faults:
            return Attempt("dropped", 0, 0, wire, "", names), b"", False
        if Kind.DELAY in faults:
            time.sleep(faults[Kind.DELAY].seconds)
        query = self.signed_query(sealed, openid=openid)
        if Kind.FORGE in faults:
            query = query.replace("signature=", "signature=0")
        start = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            copies = 2 if Kind.DUPLICATE in faults else 1
            answers = list(pool.map(lambda _: self._send(f"{self._options.bot_url}?{query}", wire), range(copies)))
        outcome, http_status, body = answers[0]
        readings = [self._reader.read(answer[2], openid).reply for answer in answers]
        differs = any(reading != readings[0] for reading in readings)
        if Kind.LATE in faults and outcome == "answered":
            outcome = "late"
        ms = round((time.monotonic() - start) * 1000)
        return Attempt(outcome, ms, http_status, wire, body.decode("utf-8", "replace"), names), body, differs

    def _send(self, url: str, wire: str) -> tuple[str, int, bytes]:
        try:
            http_status, body = self._post(url, wire.encode(), HEADERS, self._options.deadline)
        except TimeoutError:
            return "timeout", 0, b""
        except ConnectionError:
            return "unreachable", 0, b""
        return "answered" if http_status == 200 else "http_status", http_status, body

    @contextmanager
    def _turn(self, openid: str) -> Iterator[None]:
        """A message that is held back waits here for the person's next one; each tells when it is through."""
        with self._passed:
            before = self._delivered.get(openid, 0)
            for fault in self._faults.on_message(openid):
                self._passed.wait_for(lambda: self._delivered.get(openid, 0) > before, fault.seconds)
        try:
            yield
        finally:
            with self._passed:
                self._delivered[openid] = self._delivered.get(openid, 0) + 1
                self._passed.notify_all()

    def _is_silent(self) -> bool:
        return self._timeline() < self._silent_until

    def _count(self, well: bool) -> None:
        with self._lock:
            self._failures = 0 if well else self._failures + 1
            if self._failures >= FAILURES_BEFORE_SILENCE:
                self._failures = 0
                self._silent_until = self._timeline() + SILENCE

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
            created = int(self._timeline())
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
