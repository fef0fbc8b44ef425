"""Two sides of one day held against each other, line by line: a merge of two sorted streams. Pure.

Of a refund, what counts is whether the money is back. A bill is written in the morning after its day and never again,
so what it calls under way may be back by now; it cannot have been back on the day itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

BACK = "SUCCESS"
NOT_BACK = frozenset({"PROCESSING", "ABNORMAL", "CHANGE", "CLOSED", "FAIL"})
# Of ours, that may stand beside a refund that is not back: asked for, and nothing done instead of it.
_UNDER_WAY = frozenset({"owed", "asked", "abnormal", "closed"})

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Theirs:
    """A line of the bill, by ``subject``, ``number`` and the order's number."""

    subject: str
    number: str
    out_trade_no: str
    fen: int
    state: str

    @property
    def key(self) -> Key:
        return (self.subject, self.number, self.out_trade_no)


@dataclass(frozen=True, slots=True)
class Ours:
    """``ledger_fen`` is what the ledger has of it at the channel; ``done_at``: when it moved, if it did.

    ``earlier``: the number is of a round of the refund's that the channel closed before the present one.
    """

    subject: str
    number: str
    out_trade_no: str
    fen: int
    state: str
    done_at: datetime | None
    ledger_fen: int
    earlier: bool = False

    @property
    def key(self) -> Key:
        return (self.subject, self.number, self.out_trade_no)

    @property
    def moved_fen(self) -> int:
        """What the ledger must have of it."""
        return self.fen if not self.earlier and (self.subject == "payment" or self.state == "paid") else 0


@dataclass(frozen=True, slots=True)
class Found:
    """A discrepancy; ``ours_fen`` of kind ``ledger`` is the ledger's."""

    kind: str
    key: Key
    ours_fen: int | None = None
    theirs_fen: int | None = None
    ours_state: str | None = None
    theirs_state: str | None = None


def pair(ours: Iterable[Ours], theirs: Iterable[Theirs]) -> Iterator[tuple[Ours | None, Theirs | None]]:
    """Both sorted by their keys. Of several with one key, each has its own on the other side, or none."""
    left, right = iter(ours), iter(theirs)
    mine, yours = next(left, None), next(right, None)
    while mine is not None or yours is not None:
        if yours is None or (mine is not None and mine.key < yours.key):
            yield mine, None
            mine = next(left, None)
        elif mine is None or yours.key < mine.key:
            yield None, yours
            yours = next(right, None)
        else:
            yield mine, yours
            mine, yours = next(left, None), next(right, None)


def judge(ours: Ours | None, theirs: Theirs | None, day_ends: datetime) -> Iterator[Found]:
    """What is wrong with a pair: nothing, one thing, or several."""
    if ours is None:
        if theirs is not None:
            yield Found("missing_here", theirs.key, theirs_fen=theirs.fen, theirs_state=theirs.state)
        return
    if theirs is None:
        yield Found("missing_there", ours.key, ours_fen=ours.fen, ours_state=ours.state)
    else:
        both = (ours.fen, theirs.fen, ours.state, theirs.state)
        if ours.fen != theirs.fen:
            yield Found("amount", ours.key, *both)
        if not _agree(ours, theirs, day_ends):
            yield Found("state", ours.key, *both)
    if ours.ledger_fen != ours.moved_fen:
        said = (theirs.fen, ours.state, theirs.state) if theirs else (None, ours.state, None)
        yield Found("ledger", ours.key, ours.ledger_fen, *said)


def compare(ours: Iterable[Ours], theirs: Iterable[Theirs], day_ends: datetime) -> Iterator[Found]:
    for mine, yours in pair(ours, theirs):
        yield from judge(mine, yours, day_ends)


def _agree(ours: Ours, theirs: Theirs, day_ends: datetime) -> bool:
    if ours.subject == "payment":
        return theirs.state == BACK
    if theirs.state == BACK:
        return ours.state == "paid" and not ours.earlier
    if theirs.state not in NOT_BACK:
        return False
    if ours.earlier or ours.state in _UNDER_WAY:
        return True
    return ours.state == "paid" and ours.done_at is not None and ours.done_at >= day_ends
