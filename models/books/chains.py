"""Check the hash chains: every link is there, in its place and unchanged, up to the head."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from models.books.violation import Violation
from models.core.audit_trail import AuditEvent, AuditHead, link_hash
from models.core.database import stream
from models.core.hash_chain import GENESIS, Head
from models.ledger.tables import LedgerLink

# A link that was noted down outside the database: its number, and the hash that it had.
Noted = tuple[int, str]

_NUMBERS: dict[str, tuple[Any, Any]] = {
    "audit": (AuditEvent.id, AuditEvent.hash),
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
    """Check the audit trail's chain. The ledger's is read together with its transactions (models.books.ledger)."""
    follower = Follower("audit")
    for row in stream(connection, select(AuditEvent.__table__).order_by(AuditEvent.id)):
        link = row._mapping
        yield from follower.read(link["id"], link["hash"], link_hash(follower.before, link))
    yield from follower.end(read_head(connection))


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
