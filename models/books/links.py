"""The audit trail: is every link there, in its place and unchanged, up to the head?"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from models.audit import AuditEvent, AuditHead, link_hash
from models.books.violation import Violation, stream
from models.chain import GENESIS

# A link that somebody noted down outside the database: its number, and the hash that it had.
Noted = tuple[int, str]


def read_head(connection: Connection) -> Noted | None:
    """Length and hash of the chain as the head has it."""
    found = connection.execute(select(AuditHead.length, AuditHead.hash)).one_or_none()
    return (found.length, found.hash) if found else None


def check_noted(connection: Connection, noted: Noted) -> Iterator[Violation]:
    """Is it still the chain that it was? One that was made anew as a whole is told by this alone."""
    number, wanted = noted
    found = connection.scalar(select(AuditEvent.hash).where(AuditEvent.id == number))
    if found is None:
        yield Violation("not_as_noted", "audit", number, "was noted, and is not there")
    elif found != wanted:
        yield Violation("not_as_noted", "audit", number, f"has the hash {found}, not the one that was noted")


def check_chain(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Link by link, each with the one before it."""
    place, before = 0, GENESIS
    for row in stream(connection, select(AuditEvent.__table__).order_by(AuditEvent.id)):
        link = row._mapping
        if link["id"] != place + 1:
            gone = f"is gone, and so is all to {link['id'] - 1}" if link["id"] - place > 2 else "is gone"
            yield Violation("link_missing", "audit", place + 1, gone)
        elif link["hash"] != link_hash(before, link):
            yield Violation("link_broken", "audit", link["id"], "was changed, or stands where another link stood")
        place, before = link["id"], link["hash"]
    yield from _check_head(connection, place, before)


def _check_head(connection: Connection, last: int, last_hash: str) -> Iterator[Violation]:
    head = read_head(connection)
    if head is None:
        yield Violation("head_missing", "audit", last, "is the last link, and there is no head to say so")
        return
    length, head_hash = head
    if length > last:
        yield Violation("links_cut", "audit", last, f"is the last link, but the head counts {length}")
    elif length < last:
        yield Violation("links_unsealed", "audit", length + 1, f"and all to {last} were added past the head")
    elif head_hash != last_hash:
        yield Violation("head_wrong", "audit", last, "is the last link, and the head has another hash")
