"""The fault desk: what goes wrong on the way to the account's server, and in the API that it calls.

A fault holds for a number of times or until it is lifted, for one path or
person or for all, and for a share of the cases, drawn from a seed so that a
run can be repeated.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    # Deliveries to the account's server
    DROP = "drop"
    """The delivery never arrives."""
    LATE = "late"
    """The server's answer comes after the deadline, and nobody waits for it any more."""
    DELAY = "delay"
    """The delivery is on its way for so many seconds; the deadline counts from its arrival."""
    DUPLICATE = "duplicate"
    """The same delivery arrives twice at once."""
    FORGE = "forge"
    """The signature is wrong."""
    REORDER = "reorder"
    """The whole message is held back until the person's next one has been delivered, or so many seconds."""
    # Calls of the API
    REFUSE = "refuse"
    """Answered with this error code, and nothing done."""
    SLOW = "slow"
    """Answered after so many seconds."""
    DOWN = "down"
    """The connection breaks off before anything is done."""
    LOST = "lost"
    """The call is done, and the connection breaks off before the answer."""


MOST_SECONDS = 60.0
MESSAGE = frozenset({Kind.REORDER})
DELIVERY = frozenset({Kind.DROP, Kind.LATE, Kind.DELAY, Kind.DUPLICATE, Kind.FORGE})
CALL = frozenset({Kind.REFUSE, Kind.SLOW, Kind.DOWN, Kind.LOST})


@dataclass(frozen=True)
class Fault:
    """``where``: the openid of a delivery or the start of a call's path; empty: everywhere.

    ``times``: None until lifted. ``seconds`` for delay, reorder and slow; ``code`` for refuse.
    """

    kind: Kind
    times: int | None = None
    share: float = 1.0
    where: str = ""
    seconds: float = 0.0
    code: int = -1
    id: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("a share is above 0 and at most 1")
        if self.times is not None and self.times < 1:
            raise ValueError("at least one time")
        if not 0 <= self.seconds <= MOST_SECONDS:
            raise ValueError(f"0 to {MOST_SECONDS} seconds")


class FaultDesk:
    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._faults: dict[int, Fault] = {}
        self._last = 0
        self.changes = 0
        """Grows with every change."""

    def add(self, fault: Fault) -> int:
        """The fault's id."""
        with self._lock:
            self._last += 1
            self._faults[self._last] = replace(fault, id=self._last)
            self.changes += 1
            return self._last

    def lift(self, fault_id: int | None = None) -> None:
        """End one fault, or all."""
        with self._lock:
            self._faults = {} if fault_id is None else {n: f for n, f in self._faults.items() if n != fault_id}
            self.changes += 1

    def shown(self) -> list[Fault]:
        with self._lock:
            return list(self._faults.values())

    def on_message(self, openid: str) -> list[Fault]:
        """What befalls this message, before it is delivered at all; each counts as used."""
        return self._draw(MESSAGE, lambda where: where in {"", openid})

    def on_delivery(self, openid: str) -> list[Fault]:
        """What befalls this one of a message's deliveries; each counts as used."""
        return self._draw(DELIVERY, lambda where: where in {"", openid})

    def on_call(self, path: str) -> list[Fault]:
        """What befalls this call; each counts as used."""
        return self._draw(CALL, path.startswith)

    def _draw(self, kinds: frozenset[Kind], fits: Callable[[str], bool]) -> list[Fault]:
        with self._lock:
            drawn = [
                fault
                for fault in self._faults.values()
                if fault.kind in kinds and fits(fault.where) and self._chance.random() < fault.share
            ]
            for fault in drawn:
                self._use(fault)
            return drawn

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        self.changes += 1
        if fault.times == 1:
            del self._faults[fault.id]
        else:
            self._faults[fault.id] = replace(fault, times=fault.times - 1)
