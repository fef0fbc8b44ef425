"""Callbacks to the merchant's server: signed, sealed, and repeated until it takes them.

Source: PW/wiki/doc/apiv3/apis/chapter3_2_5 (answers, how often), PW/docs/partner/development/practices/
notification-considerations (probes). Faults at ``PLACE`` or everywhere befall them: drop, late, delay, reorder;
duplicate sends a second copy a second later; forge sends a probe, and the true one comes as the next try.
"""

import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.simulator.faults import Fault, FaultDesk, Kind
from bot.simulator.pay.keys import KeySource
from bot.simulator.pay.moments import rfc3339
from bot.simulator.pay.signing import Signer, as_json, seal
from bot.simulator.timeline import Timeline
from bot.simulator.wire import Post

PLACE = "/notify"
"""The ``where`` of a fault that is for callbacks alone."""
MINUTE, HOUR = 60, 3600
# Seconds from a try that failed to the next one: 24 h 4 min in all.
RETRIES = (
    *(15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE, 60 * MINUTE),
    *(3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR),
)
ACCEPTED_STATUS = {200, 204}
SECOND_COPY = 1.0  # DWc 000c4c8e3742e8716fbcd9fad51000: two copies came a second apart
KEPT = 500
LONGEST_COPIES = 8


class State(StrEnum):
    WAITING = "waiting"
    """Not taken yet; more tries are to come."""
    TAKEN = "taken"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Attempt:
    """``outcome``: taken, refused, timeout, unreachable, or by a fault dropped or late. ``probe``: signed wrongly."""

    at: float
    outcome: str
    ms: int
    http_status: int
    serial: str
    probe: bool
    reply: str
    faults: tuple[str, ...] = ()

    @property
    def probe_accepted(self) -> bool:
        """The server took what it must refuse."""
        return self.probe and self.outcome == "taken"


@dataclass
class Notice:
    """One callback. ``number``: of the order or refund. ``plain``: what is sealed in ``body``."""

    id: str
    event: str
    number: str
    url: str
    plain: str
    body: str
    created: float
    state: State = State.WAITING
    attempts: list[Attempt] = field(default_factory=list)
    version: int = 0


class Notices:
    """``lag``: so many seconds pass on the platform's clock before the first try of each callback."""

    def __init__(
        self, post: Post, timeline: Timeline, faults: FaultDesk, signer: Signer, keys: KeySource, deadline: float
    ) -> None:
        self._post = post
        self._timeline = timeline
        self._faults = faults
        self._signer = signer
        self._keys = keys
        self._deadline = deadline
        self._lock = threading.Lock()
        self._kept: deque[Notice] = deque(maxlen=KEPT)
        self._held: list[Notice] = []
        self._version = 0
        self.lag = 0.0

    def tell(self, event: str, original: str, summary: str, plain: dict[str, Any], number: str, url: str) -> Notice:
        """Send this from the timeline: at once, or when its faults and ``lag`` let it."""
        now, written = self._timeline(), as_json(plain)
        resource = {"original_type": original} | seal(self._keys().apiv3_key, written, original)
        body = {
            "id": str(uuid.uuid4()),
            "create_time": rfc3339(now),
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": summary,
            "resource": resource,
        }
        notice = Notice(str(body["id"]), event, number, url, written, as_json(body), now)
        self._keep(notice)
        held = self._faults.on_message(PLACE)
        if held:
            with self._lock:
                self._held.append(notice)
            self._timeline.after(self.lag + held[0].seconds, lambda: self._let_go([notice]))
        else:
            self._timeline.after(self.lag, lambda: self._try(notice, 0))
        return notice

    def shown(self, after: int = 0) -> list[dict[str, Any]]:
        """The callbacks that have changed since that version, oldest first, as JSON has them."""
        with self._lock:
            return [asdict(notice) for notice in self._kept if notice.version > after]

    def all(self) -> list[Notice]:
        with self._lock:
            return list(self._kept)

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    @property
    def probes_accepted(self) -> list[Notice]:
        """Where the server took a wrong signature."""
        return [notice for notice in self.all() if any(attempt.probe_accepted for attempt in notice.attempts)]

    def send_again(self, notice: Notice, copies: int = 1) -> list[Attempt]:
        """So many copies now, at the same moment, whatever became of it before."""
        if not 1 <= copies <= LONGEST_COPIES:
            raise ValueError(f"1 to {LONGEST_COPIES} copies")
        with ThreadPoolExecutor(copies) as pool:
            return list(pool.map(lambda _: self._send(notice), range(copies)))

    def probe(self, notice: Notice) -> Attempt:
        """A copy with a wrong signature, now. ``probe_accepted`` says whether the server fell for it."""
        return self._send(notice, probe=True)

    def _try(self, notice: Notice, number: int) -> None:
        if notice.state is State.TAKEN:
            return
        faults = {fault.kind: fault for fault in self._faults.on_delivery(PLACE)}
        if Kind.DELAY in faults:
            self._timeline.after(faults[Kind.DELAY].seconds, lambda: self._deliver(notice, number, faults))
        else:
            self._deliver(notice, number, faults)

    def _deliver(self, notice: Notice, number: int, faults: dict[Kind, Fault]) -> None:
        if Kind.DUPLICATE in faults:
            self._timeline.after(SECOND_COPY, lambda: self._send_copy(notice))
        attempt = self._send(notice, Kind.FORGE in faults, faults)
        if attempt.outcome == "taken" and not attempt.probe:
            self._become(notice, State.TAKEN)
        elif number < len(RETRIES):
            self._timeline.after(RETRIES[number], lambda: self._try(notice, number + 1))
        else:
            self._become(notice, State.GIVEN_UP)
        with self._lock:
            held = [other for other in self._held if other is not notice]
        self._let_go(held)

    def _send_copy(self, notice: Notice) -> None:
        if self._send(notice).outcome == "taken":
            self._become(notice, State.TAKEN)

    def _let_go(self, notices: list[Notice]) -> None:
        """What was held back comes now, unless it has come already."""
        for notice in notices:
            with self._lock:
                if notice not in self._held:
                    continue
                self._held.remove(notice)
            self._try(notice, 0)

    def _send(self, notice: Notice, probe: bool = False, faults: Collection[Kind] = ()) -> Attempt:
        serial = self._signer.callback_serial()
        at, start = self._timeline(), time.monotonic()
        if Kind.DROP in faults:
            outcome, status, reply = "dropped", 0, b""
        else:
            outcome, status, reply = self._exchange(notice, serial, probe)
            if Kind.LATE in faults and outcome in {"taken", "refused"}:
                outcome = "late"
        ms = round((time.monotonic() - start) * 1000)
        attempt = Attempt(
            at,
            outcome,
            ms,
            status,
            serial,
            probe,
            reply.decode("utf-8", "replace"),
            tuple(kind.value for kind in faults),
        )
        with self._lock:
            notice.attempts.append(attempt)
            self._change(notice)
        return attempt

    def _exchange(self, notice: Notice, serial: str, probe: bool) -> tuple[str, int, bytes]:
        body = notice.body.encode()
        headers = self._signer.headers(body, serial, probe) | {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Mozilla/4.0",
            "Request-ID": secrets.token_hex(16).upper(),
        }
        try:
            status, reply = self._post(notice.url, body, headers, self._deadline)
        except TimeoutError:
            return "timeout", 0, b""
        except ConnectionError:
            return "unreachable", 0, b""
        return "taken" if status in ACCEPTED_STATUS else "refused", status, reply

    def _keep(self, notice: Notice) -> None:
        with self._lock:
            self._kept.append(notice)
            self._change(notice)

    def _become(self, notice: Notice, state: State) -> None:
        with self._lock:
            notice.state = state
            self._change(notice)

    def _change(self, notice: Notice) -> None:
        self._version += 1
        notice.version = self._version
