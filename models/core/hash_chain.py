"""Keep hash chains: each link's hash covers the link before it; links are made soon after their rows' commit.

A row that is to be sealed is written without a lock, and a trigger notes its id in the same transaction as one that
waits. One sealer at a time takes what waits by ids, numbers it and links it. Of two rows that were written under the
same lock the later one has the higher id and could not be seen before the other: so a chain tells of each thing in
the order in which it happened, and no commit waits for a head. (Payments that add to one channel at the same moment
lock it after they have their ids: which of them stands first says nothing.)
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Connection, SmallInteger, String, delete, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from models.core.base import UtcTime

# The hash before the first link.
GENESIS = "0" * 64
# So many rows are sealed in one transaction: a tenth of a second.
BATCH = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Values = dict[str, Any]


class Head:
    """The columns of a chain's head: one row with the chain's length, which only grows, and its last hash."""

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    length: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint]:
        return (CheckConstraint("id = 1", name="one_head"),)


class Unsealed:
    """The columns of the list of what waits: the row's id, and since when by the database's own clock."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain and its tables. ``key``: the column of ``links`` that holds the sealed row's id.

    ``read`` maps ids to what their links seal, ordered by id and numbered from the given number on; ids without a row
    are left out. ``link_hash`` computes a link's hash from the hash before it and these values.
    """

    name: str
    head: type[Head]
    links: type[DeclarativeBase]
    unsealed: type[Unsealed]
    key: str
    read: Callable[[Connection, Sequence[int], int], Mapping[int, Values]]
    link_hash: Callable[[str, Mapping[Any, Any]], str]


def digest(form: str, before: str, values: list[Any]) -> str:
    """Compute SHA-256 over the previous hash and the values, written in one canonical form.

    ``form`` names the chain and this way of writing its links: another way needs another name, and has to say from
    which link on it holds.
    """
    written = json.dumps([form, before, *values], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def microseconds(at: datetime) -> int:
    """Count microseconds since 1970, as links write a time."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def seal(connection: Connection, chain: Chain, most: int = BATCH) -> int:
    """Link up to ``most`` of what waits, and return how many it took; 0 also while another sealer is at work.

    The lock on the head is the sealer's lease: it ends with its transaction, or with its connection.
    """
    head, links, unsealed = chain.head, chain.links, chain.unsealed
    if not connection.scalar(select(select(unsealed.id).exists())):
        return 0
    found = connection.execute(select(head.length, head.hash).with_for_update(skip_locked=True)).one_or_none()
    if found is None:
        return 0
    length, before = found
    first = select(unsealed.id).order_by(unsealed.id).limit(most)
    ids = sorted(connection.scalars(delete(unsealed).where(unsealed.id.in_(first)).returning(unsealed.id)))
    made = []
    for row_id, values in chain.read(connection, ids, length + 1).items():
        before = chain.link_hash(before, values)
        made.append({"number": values["number"], chain.key: row_id, "hash": before})
    if made:
        connection.execute(insert(links), made)
        connection.execute(update(head).values(length=length + len(made), hash=before))
    return len(ids)


def waiting(connection: Connection, chain: Chain) -> tuple[int, float]:
    """Count what waits to be sealed, and for how many seconds the oldest has waited, by the database's clock."""
    since = chain.unsealed.since
    age = func.extract("epoch", func.clock_timestamp(type_=UtcTime) - func.min(since))
    count, seconds = connection.execute(select(func.count(), func.coalesce(age, 0)).select_from(chain.unsealed)).one()
    return count, max(0.0, float(seconds))
