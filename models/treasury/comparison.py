"""Compare our payments and refunds of a day with the bill's lines by merging two sorted streams. Pure functions.

A refund agrees if both sides say whether it is paid. A bill is written the morning after its day and never updated,
so a refund that it calls under way may be paid by now, but not on the day itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

BACK = "SUCCESS"
NOT_BACK = frozenset({"PROCESSING", "ABNORMAL", "CHANGE", "CLOSED", "FAIL"})
# States of our refund that agree with a bill line that is not paid: it is still to be paid, and in no other way.
_UNDER_WAY = frozenset({"owed", "asked", "abnormal", "closed"})

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class BillRecord:
    """A line of the bill, identified by ``subject``, ``number`` and ``out_trade_no``."""

    subject: str
    number: str
    out_trade_no: str
    fen: int
    state: str

    @property
    def key(self) -> Key:
        return (self.subject, self.number, self.out_trade_no)


@dataclass(frozen=True, slots=True)
class BookRecord:
    """A payment or refund of ours. ``ledger_fen``: what the ledger moved for it at the channel. ``done_at``: when it
    moved, or None. ``earlier``: the number is that of an earlier round of the refund, which the channel closed.
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
        """The fen that the ledger should have moved for it."""
        return self.fen if not self.earlier and (self.subject == "payment" or self.state == "paid") else 0


@dataclass(frozen=True, slots=True)
class FoundDiscrepancy:
    """A discrepancy that was found. For kind ``ledger``, ``ours_fen`` is the ledger's amount."""

    kind: str
    key: Key
    ours_fen: int | None = None
    theirs_fen: int | None = None
    ours_state: str | None = None
    theirs_state: str | None = None


def pair(
    ours: Iterable[BookRecord], theirs: Iterable[BillRecord]
) -> Iterator[tuple[BookRecord | None, BillRecord | None]]:
    """Pair two streams sorted by key. Of several with one key, each has its own on the other side, or None."""
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


def judge(ours: BookRecord | None, theirs: BillRecord | None, day_ends: datetime) -> Iterator[FoundDiscrepancy]:
    """Yield the discrepancies of a pair: none, one or several. ``day_ends``: the end of the bill's day."""
    if ours is None:
        if theirs is not None:
            yield FoundDiscrepancy("missing_here", theirs.key, theirs_fen=theirs.fen, theirs_state=theirs.state)
        return
    if theirs is None:
        yield FoundDiscrepancy("missing_there", ours.key, ours_fen=ours.fen, ours_state=ours.state)
    else:
        both = (ours.fen, theirs.fen, ours.state, theirs.state)
        if ours.fen != theirs.fen:
            yield FoundDiscrepancy("amount", ours.key, *both)
        if not _agree(ours, theirs, day_ends):
            yield FoundDiscrepancy("state", ours.key, *both)
    if ours.ledger_fen != ours.moved_fen:
        said = (theirs.fen, ours.state, theirs.state) if theirs else (None, ours.state, None)
        yield FoundDiscrepancy("ledger", ours.key, ours.ledger_fen, *said)


def compare(ours: Iterable[BookRecord], theirs: Iterable[BillRecord], day_ends: datetime) -> Iterator[FoundDiscrepancy]:
    for mine, yours in pair(ours, theirs):
        yield from judge(mine, yours, day_ends)


def _agree(ours: BookRecord, theirs: BillRecord, day_ends: datetime) -> bool:
    if ours.subject == "payment":
        return theirs.state == BACK
    if theirs.state == BACK:
        return ours.state == "paid" and not ours.earlier
    if theirs.state not in NOT_BACK:
        return False
    if ours.earlier or ours.state in _UNDER_WAY:
        return True
    return ours.state == "paid" and ours.done_at is not None and ours.done_at >= day_ends
