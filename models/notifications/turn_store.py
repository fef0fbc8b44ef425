"""Run the statements of every turn: claim the message, lock the person, keep the result.

This is the hot path of the whole program. Each round trip counts, so statements are sent in pairs; and they are
compiled once and run by the driver alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    String,
    Table,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from models.core.encryption import keyring
from models.core.prepared import Prepared
from models.notifications.notification import UNREAD, Notification
from models.notifications.service_window import RULES, ServiceWindow
from models.people.conversation import SESSION, BrokenSession, Conversation, Turn
from models.people.message import Message

_turns: Table = Turn.__table__  # type: ignore[assignment]
_people: Table = Conversation.__table__  # type: ignore[assignment]
_notices: Table = Notification.__table__  # type: ignore[assignment]
_windows: Table = ServiceWindow.__table__  # type: ignore[assignment]


@dataclass(slots=True)
class LockedPerson:
    """The person's row, read under its lock. ``sealed`` is the session as stored, encrypted.

    ``news``: notifications were unread when the statement began; the turn before may have read them since.
    ``offered_at``: when a push last showed the person numbered choices.
    """

    id: int
    user_id: int | None
    sealed: bytes
    failures: int
    news: bool
    offered_at: datetime | None

    def open_session(self) -> str:
        """The session's JSON. Raises CannotOpen."""
        return keyring().open(bytes(self.sealed), SESSION.purpose)


@dataclass(slots=True)
class TurnRecord:
    """The facts about a turn that are kept beside its reply."""

    outcome: str
    flow: str | None = None
    step: str | None = None
    tries: int = 0
    ms: int = 0
    window: str | None = None
    """The window that the person's act opens (models.notifications.service_window)."""


# Written out: SQLAlchemy would expand a list of parameters anew for every turn.
_UNREAD: list[ColumnElement[Any]] = [literal_column(f"'{state}'") for state in UNREAD]
_REPLY = Prepared(select(_turns.c.reply).where(_turns.c.key == bindparam("b_key")))
_person = (
    select(
        _people.c.id,
        _people.c.user_id,
        # Still encrypted: a session that cannot be decrypted is set aside, and does not fail the query.
        type_coerce(_people.c.session, LargeBinary).label("session"),
        _people.c.failures,
        exists()
        .where(_notices.c.conversation_id == _people.c.id, _notices.c.state.in_(_UNREAD))
        .correlate(_people)
        .label("news"),
        select(func.max(_notices.c.offers_at))
        .where(_notices.c.conversation_id == _people.c.id, _notices.c.offers_at.is_not(None))
        .correlate(_people)
        .scalar_subquery()
        .label("offered_at"),
    )
    .where(_people.c.account == bindparam("b_account"), _people.c.openid == bindparam("b_openid"))
    # key_share: others may meanwhile insert rows that refer to this person (a notification).
    .with_for_update(of=_people, key_share=True)
)
_keep_turn = (
    update(_turns)
    .where(_turns.c.id == bindparam("b_turn"))
    .values({name: bindparam(name) for name in ("conversation_id", "reply", "flow", "step", "outcome", "tries", "ms")})
)
_keep_person = (
    update(_people)
    .where(_people.c.id == bindparam("b_person"))
    .values(
        session=bindparam("session"),
        failures=bindparam("failures"),
        # An event that WeChat sends by itself is no act of the person's.
        touched_at=case(
            (bindparam("b_window", type_=String).is_(None), _people.c.touched_at),
            else_=bindparam("touched_at", type_=_people.c.touched_at.type),
        ),
        in_flow=bindparam("in_flow"),
        # A person who does something can be written to again, as far as we know.
        refused_code=case((bindparam("b_window", type_=String).is_(None), _people.c.refused_code), else_=None),
    )
)


_claim = (
    insert(_turns)
    .values({name: bindparam(name) for name in ("key", "received_at", "kind")} | {"tries": literal_column("0")})
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(_turns.c.id)
)
_greet = (
    insert(_people)
    .values({name: bindparam(name) for name in ("account", "openid", "session", "created_at", "touched_at")})
    .on_conflict_do_nothing(index_elements=["account", "openid"])
)


def _open_window() -> Any:
    opened = insert(_windows).values(
        conversation_id=bindparam("b_person"),
        kind=bindparam("b_window"),
        ends_at=bindparam("b_ends"),
        left=bindparam("b_left"),
    )
    return opened.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={"ends_at": opened.excluded.ends_at, "left": opened.excluded.left},
    )


def _claim_and_lock() -> Select[*tuple[Any, ...]]:
    """Build the statement that returns exactly one row: the claimed turn's id and the person's columns, each or NULL.

    The claim comes first in every plan, so two deliveries never deadlock.
    """
    claimed = _claim.cte("claimed")
    person = _person.cte("person")
    one = select(literal_column("1").label("one")).subquery()
    return select(claimed.c.id.label("turn_id"), *person.c).select_from(
        one.outerjoin(claimed, true()).outerjoin(person, true())
    )


_CLAIM_AND_LOCK = Prepared(_claim_and_lock())
_KEEP_BOTH = Prepared(_keep_person.add_cte(_keep_turn.cte("kept")))
_KEEP_ALL = Prepared(_keep_person.add_cte(_keep_turn.cte("kept"), _open_window().cte("opened")))


def claim(connection: Connection, message: Message, now: datetime) -> tuple[int, LockedPerson] | None:
    """Claim the message; returns the new turn's id and the locked person, or None when it was claimed before.

    Waits for a first delivery that is still running, and for the person's turn
    before (up to the lock wait). The person's row is created on first contact.
    """
    kind = f"{message.kind}:{message.event}" if message.event else str(message.kind)
    new = {"key": message.key, "received_at": now, "kind": kind[:40]}
    who = {"b_account": message.account, "b_openid": message.openid}
    turn_id, *columns = _CLAIM_AND_LOCK.one(connection, new | who)
    person: Sequence[Any] = columns
    if turn_id is None:
        return None
    if person[0] is None:
        person = _greet_person(connection, message, now, who)
    return turn_id, LockedPerson(*person)


def _greet_person(connection: Connection, message: Message, now: datetime, who: dict[str, str]) -> Any:
    fresh = {"account": message.account, "openid": message.openid, "session": "", "created_at": now, "touched_at": now}
    connection.execute(_greet, fresh)
    return connection.execute(_person, who).one()


def stored_reply(connection: Connection, key: str) -> str | None:
    """Return the reply to the first delivery; None when there is no such turn, or it has no reply yet."""
    row = _REPLY.first(connection, {"b_key": key})
    return row[0] if row else None


def keep(
    connection: Connection,
    turn_id: int,
    person: LockedPerson,
    session: str,
    reply: str,
    record: TurnRecord,
    now: datetime,
    *,
    in_flow: bool = False,
) -> None:
    """Store the session, the reply and the turn's record, and commit everything that the turn did."""
    turn = {
        "b_turn": turn_id,
        "conversation_id": person.id,
        "reply": reply,
        "flow": record.flow,
        "step": record.step,
        "outcome": record.outcome[:40],
        "tries": record.tries,
        "ms": record.ms,
    }
    after = {
        "b_person": person.id,
        "session": session,
        "failures": person.failures,
        "touched_at": now,
        "in_flow": in_flow,
        "b_window": record.window,
    }
    opened: dict[str, Any] = {}
    if record.window:
        rule = RULES[record.window]
        opened = {"b_ends": now + rule.lasts, "b_left": rule.messages}
    (_KEEP_ALL if opened else _KEEP_BOTH).run_and_commit(connection, turn | after | opened)


def keep_failure(connection: Connection, turn_id: int, person: LockedPerson, reply: str, ms: int) -> None:
    """Store a failed turn's reply and count the failure; the session stays as it was."""
    connection.execute(
        update(_turns)
        .where(_turns.c.id == turn_id)
        .values(conversation_id=person.id, reply=reply, outcome="failed", ms=ms)
    )
    connection.execute(update(_people).where(_people.c.id == person.id).values(failures=person.failures + 1))


def set_aside(connection: Connection, person: LockedPerson, reason: str, now: datetime) -> None:
    """Store a session that cannot be read, as it is; the caller goes on with a fresh one."""
    connection.execute(
        insert(BrokenSession),
        {"conversation_id": person.id, "session": person.sealed, "reason": reason[:80], "at": now},
    )
