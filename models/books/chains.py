"""Check the hash chains: every link is there, in its place and unchanged up to the head, and nothing lacks its link."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from models.books.violation import Violation
from models.core.audit_trail import AUDIT, AuditEvent, AuditHead, AuditLink, link_hash
from models.core.database import stream
from models.core.hash_chain import GENESIS, Chain, Head
from models.ledger.links import LEDGER
from models.ledger.tables import LedgerLink

# The chains that a sealer keeps.
CHAINS = (AUDIT, LEDGER)
# What has waited longer than this for its link waits for a sealer that is not there, in SQL's words.
LATE = "10 minutes"

# A link that was noted down outside the database: its number, and the hash that it had.
Noted = tuple[int, str]

_NUMBERS: dict[str, tuple[Any, Any]] = {
    "audit": (AuditLink.number, AuditLink.hash),
    "ledger": (LedgerLink.number, LedgerLink.hash),
}


def read_head(connection: Connection, head: type[Head] = AuditHead) -> Noted | None:
    """Return the chain's length and hash as its head has them, or None without a head."""
    found = connection.execute(select(head.length, head.hash)).one_or_none()
    return (found.length, found.hash) if found else None


def check_noted(connection: Connection, chain: str, noted: Noted) -> Iterator[Violation]:
    """Check that the noted link still has its hash. Only this check finds a chain that was rebuilt as a whole."""
    number, wanted = noted
    numbered, hashed = _NUMBERS[chain]
    found = connection.scalar(select(hashed).where(numbered == number)) if number else GENESIS
    if found is None:
        yield Violation("not_as_noted", chain, number, "was noted, and is not there")
    elif found != wanted:
        yield Violation("not_as_noted", chain, number, f"has the hash {found}, not the one that was noted")


def check_chain(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check the audit trail's chain; models.books.money.ledger reads the ledger's together with its transactions."""
    follower = Follower("audit")
    links = select(AuditLink.number, AuditLink.hash.label("stored"), AuditEvent.__table__)
    links = links.outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id).order_by(AuditLink.number)
    for row in stream(connection, links):
        if row.id is None:
            yield Violation("event_gone", "audit", row.number, "has no event any more")
            yield from follower.read(row.number, row.stored, row.stored)
        else:
            yield from follower.read(row.number, row.stored, link_hash(follower.before, row._mapping))
    yield from follower.end(read_head(connection))
    yield from check_unsealed(connection, AUDIT, AuditEvent.id, "audit_event")


def check_unsealed(connection: Connection, chain: Chain, row_id: Any, name: str) -> Iterator[Violation]:
    """Find rows without a link that wait for none or wait too long, and what is to be sealed and is not there."""
    unsealed, linked = chain.unsealed, getattr(chain.links, chain.key)
    alone = select(row_id.label("id"), unsealed.since, (unsealed.since < _late()).label("late"))
    alone = alone.outerjoin(chain.links, linked == row_id).outerjoin(unsealed, unsealed.id == row_id)
    for found in stream(connection, alone.where(linked.is_(None)).order_by(row_id)):
        if found.since is None:
            yield Violation("unsealed", name, found.id, "has no link in the chain, and waits for none")
        elif found.late:
            yield Violation("not_sealed_yet", name, found.id, f"waits for its link since {found.since:%F %T} UTC")
    gone = select(unsealed.id).where(~select(row_id).where(row_id == unsealed.id).exists())
    for found in stream(connection, gone.order_by(unsealed.id)):
        yield Violation("event_gone", name, found.id, "is to be sealed, and is not there")


def _late() -> Any:
    """The rows' own clock is the database's, whatever time it is for the program."""
    return func.now() - text(f"interval '{LATE}'")


class Follower:
    """Follow a chain link by link and compare each with the one before it, then with the head."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.last = 0
        self.before = GENESIS

    def read(self, number: int, found: str, wanted: str) -> Iterator[Violation]:
        """Check the next link. ``found``: its stored hash; ``wanted``: the hash that it must have after ``before``."""
        if number != self.last + 1:
            gone = f"is gone, and so is all to {number - 1}" if number - self.last > 2 else "is gone"
            yield Violation("link_missing", self.chain, self.last + 1, gone)
        elif found != wanted:
            yield Violation("link_broken", self.chain, number, "was changed, or stands where another link stood")
        self.last, self.before = number, found

    def end(self, head: Noted | None) -> Iterator[Violation]:
        if head is None:
            yield Violation("head_missing", self.chain, self.last, "is the last link, and there is no head to say so")
            return
        length, head_hash = head
        if length > self.last:
            yield Violation("links_cut", self.chain, self.last, f"is the last link, but the head counts {length}")
        elif length < self.last:
            words = f"and all to {self.last} were added past the head"
            yield Violation("links_unsealed", self.chain, length + 1, words)
        elif head_hash != self.before:
            yield Violation("head_wrong", self.chain, self.last, "is the last link, and the head has another hash")
