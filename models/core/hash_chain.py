"""Keep hash chains: each link's hash covers the link before it, and links are written when a transaction commits.

Values that are to become links wait on their connection until the transaction
commits. So they follow savepoints and rollbacks exactly, wherever those were
opened, and no commit can skip them. Only then are the heads of the chains
locked, after every other lock and always in the same order: a transaction
without links never waits for a head, and none waits for another lock while it
holds one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Connection, Engine, SmallInteger, String, event, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from models.core.hooks import Registry

# The hash before the first link.
GENESIS = "0" * 64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = "bangfu_links"

Values = dict[str, Any]
Seal = Callable[[Connection, list[Values]], None]

# Chain -> the function that makes links of what was put under its name, when a transaction commits.
SEALS: Registry[Seal] = Registry("core.hash_chain.SEALS", ("audit", "ledger"))


class Head:
    """The columns of a chain's head: one row with the chain's length, which only grows, and its last hash."""

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    length: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint]:
        return (CheckConstraint("id = 1", name="one_head"),)


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


def extend(
    connection: Connection,
    head: type[Head],
    into: type[DeclarativeBase],
    links: list[Values],
    *,
    number: str,
    link_hash: Callable[[str, Mapping[Any, Any]], str],
) -> None:
    """Lock the head, give each link its ``number`` and ``hash``, insert the table's columns of it, move the head on."""
    length, before = connection.execute(select(head.length, head.hash).with_for_update()).one()
    for place, link in enumerate(links, length + 1):
        link[number] = place
        link["hash"] = before = link_hash(before, link)
    columns = into.__table__.columns.keys()
    connection.execute(insert(into), [{name: link[name] for name in columns} for link in links])
    connection.execute(update(head).values(length=length + len(links), hash=before))


class _Waiting:
    """The links that a connection's transaction has yet to seal.

    ``marks``: for each open savepoint, how many links there were when it was set.
    """

    __slots__ = ("links", "marks")

    def __init__(self) -> None:
        self.links: list[tuple[str, Values]] = []
        self.marks: list[int] = []


def _waiting(connection: Connection) -> _Waiting:
    found: _Waiting = connection.info.setdefault(_KEY, _Waiting())
    return found


def put(connection: Connection, name: str, values: Values) -> None:
    """Add a link to this chain when the connection's transaction commits."""
    _waiting(connection).links.append((name, values))


def seal_waiting(connection: Connection) -> None:
    """Seal all waiting links, chain by chain in the order of their names, each chain in the order of ``put``.

    Before the end of a transaction it is for who is alone on the database, and outside savepoints: the heads of the
    chains stay locked from here on.
    """
    found: _Waiting | None = connection.info.pop(_KEY, None)
    for name, links in _by_chain(found.links if found else []):
        SEALS[name](connection, links)


@event.listens_for(Engine, "commit")
def _seal(connection: Connection) -> None:
    try:
        seal_waiting(connection)
    except BaseException:
        # For SQLAlchemy the transaction has ended now. It would hand the connection on as it is, and whoever has it
        # next would commit what could not be sealed.
        if not connection.invalidated:
            connection.connection.rollback()
        raise


def _by_chain(waiting: list[tuple[str, Values]]) -> Iterator[tuple[str, list[Values]]]:
    for chain in sorted({name for name, _ in waiting}):
        yield chain, [values for name, values in waiting if name == chain]


@event.listens_for(Engine, "begin")
@event.listens_for(Engine, "rollback")
def _drop(connection: Connection) -> None:
    # A lost connection has dropped everything, and reading its info would hide the error by which it was lost.
    if not connection.invalidated:
        connection.info.pop(_KEY, None)


# SQLAlchemy tells a savepoint's name only at its end, but keeps savepoints strictly one inside the other.
@event.listens_for(Engine, "savepoint")
def _mark(connection: Connection, _name: None) -> None:
    found = _waiting(connection)
    found.marks.append(len(found.links))


@event.listens_for(Engine, "release_savepoint")
def _keep(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        _waiting(connection).marks.pop()


@event.listens_for(Engine, "rollback_savepoint")
def _go_back(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        found = _waiting(connection)
        del found.links[found.marks.pop() :]
