"""The statements every turn runs: claim the message, lock the person, keep what came of it.

Plain Core, built once: this is the hot path of the whole program.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, bindparam, insert, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from models.conversation import BrokenSession, Conversation, Turn
from models.message import Message
from models.sealing import Sealed, keyring

_turns: Table = Turn.__table__  # type: ignore[assignment]
_people: Table = Conversation.__table__  # type: ignore[assignment]
_SESSION = Sealed("conversations.session")


@dataclass(slots=True)
class Locked:
    """The person's row, read under its lock. ``sealed`` is the session as stored."""

    id: int
    user_id: int | None
    sealed: bytes
    unread: int
    failures: int

    def open_session(self) -> str:
        """The session's JSON. Raises CannotOpen."""
        return keyring().open(bytes(self.sealed), _SESSION.purpose)


@dataclass(slots=True)
class Record:
    """What a turn leaves behind beside its reply."""

    outcome: str
    flow: str | None = None
    step: str | None = None
    tries: int = 0
    ms: int = 0
    read: int = 0
    """How many unread notices went out with the reply."""


_find_reply = select(_turns.c.reply).where(_turns.c.key == bindparam("b_key"))
_lock_person = (
    select(
        _people.c.id,
        _people.c.user_id,
        # As it lies: a session that does not open is set aside, not a failed query.
        type_coerce(_people.c.session, LargeBinary),
        _people.c.unread,
        _people.c.failures,
    )
    .where(_people.c.account == bindparam("b_account"), _people.c.openid == bindparam("b_openid"))
    .with_for_update()
)
_keep_turn = (
    update(_turns)
    .where(_turns.c.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in ("conversation_id", "reply", "flow", "step", "outcome", "tries", "ms")})
)
_keep_person = (
    update(_people)
    .where(_people.c.id == bindparam("b_id"))
    .values(
        session=bindparam("session"),
        failures=bindparam("failures"),
        touched_at=bindparam("touched_at"),
        unread=_people.c.unread - bindparam("b_read"),
    )
)


def _claim(dialect_insert: Any) -> Any:
    names = ("key", "received_at", "kind")
    return (
        dialect_insert(_turns)
        .values({name: bindparam(name) for name in names})
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(_turns.c.id)
    )


def _greet(dialect_insert: Any) -> Any:
    names = ("account", "openid", "session", "created_at", "touched_at")
    return (
        dialect_insert(_people)
        .values({name: bindparam(name) for name in names})
        .on_conflict_do_nothing(index_elements=["account", "openid"])
    )


_CLAIM = {"postgresql": _claim(postgres_insert), "sqlite": _claim(sqlite_insert)}
_GREET = {"postgresql": _greet(postgres_insert), "sqlite": _greet(sqlite_insert)}


def claim(connection: Connection, message: Message, now: datetime) -> int | None:
    """The turn's row number when this message is new; None when it was, or is being, answered.

    Waits for a first delivery that is still running (up to the lock wait).
    """
    statement = _CLAIM[connection.dialect.name]
    kind = f"{message.kind}:{message.event}" if message.event else str(message.kind)
    row = connection.execute(statement, {"key": message.key, "received_at": now, "kind": kind[:40]}).first()
    return row[0] if row else None


def stored_reply(connection: Connection, key: str) -> str | None:
    """What the first delivery was answered; None when there is no such turn."""
    row = connection.execute(_find_reply, {"b_key": key}).first()
    return row[0] if row else None


def lock_person(connection: Connection, message: Message, now: datetime) -> Locked:
    """The person's row, locked until the transaction ends; made on first contact."""
    who = {"b_account": message.account, "b_openid": message.openid}
    row = connection.execute(_lock_person, who).first()
    if row is None:
        fresh = {
            "account": message.account,
            "openid": message.openid,
            "session": "",
            "created_at": now,
            "touched_at": now,
        }
        connection.execute(_GREET[connection.dialect.name], fresh)
        row = connection.execute(_lock_person, who).one()
    return Locked(*row)


def keep(
    connection: Connection, turn_id: int, person: Locked, session: str, reply: str, record: Record, now: datetime
) -> None:
    """The session, the reply and the turn's record, to be committed with everything the turn did."""
    connection.execute(
        _keep_turn,
        {
            "b_id": turn_id,
            "conversation_id": person.id,
            "reply": reply,
            "flow": record.flow,
            "step": record.step,
            "outcome": record.outcome[:40],
            "tries": record.tries,
            "ms": record.ms,
        },
    )
    connection.execute(
        _keep_person,
        {
            "b_id": person.id,
            "session": session,
            "failures": person.failures,
            "touched_at": now,
            "b_read": record.read,
        },
    )


def keep_failure(connection: Connection, turn_id: int, person: Locked, reply: str, ms: int) -> None:
    """A turn that failed: its reply, and one more failure; the session stays as it was."""
    connection.execute(
        update(_turns)
        .where(_turns.c.id == turn_id)
        .values(conversation_id=person.id, reply=reply, outcome="failed", ms=ms)
    )
    connection.execute(update(_people).where(_people.c.id == person.id).values(failures=person.failures + 1))


def set_aside(connection: Connection, person: Locked, reason: str, now: datetime) -> None:
    """Keep a session that cannot be worked with, as it is stored; the caller goes on with a fresh one."""
    connection.execute(
        insert(BrokenSession),
        {"conversation_id": person.id, "session": person.sealed, "reason": reason[:80], "at": now},
    )
