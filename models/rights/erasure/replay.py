"""Keep the list of the erased outside the database, so that a restored backup forgets them again.

A line names rows by number and time of birth, and nobody by anything else: after a restore the same numbers may be
given to others, who were born later.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import Erasure, begin_erasure

_BATCH = 500


class NoSuchLine(ValueError):
    """The line is none of such a list: its file was damaged, or is another."""


def list_erased(db: Session) -> Iterator[str]:
    """Write a line for each erasure, the oldest first."""
    found = select(Erasure, Conversation.created_at, User.created_at)
    found = found.outerjoin(Conversation, Conversation.id == Erasure.conversation_id)
    found = found.outerjoin(User, User.id == Erasure.user_id).order_by(Erasure.id)
    for erasure, conversation_at, user_at in db.execute(found.execution_options(yield_per=_BATCH)):
        yield json.dumps(
            {
                "conversation": _row(erasure.conversation_id, conversation_at),
                "user": _row(erasure.user_id, user_at),
                "begun_at": erasure.begun_at.isoformat(),
            }
        )


def replay(db: Session, lines: Iterable[str], now: datetime) -> int:
    """Begin anew the erasures of those who are back; the worker goes on with them. Returns how many.

    Raises NoSuchLine.
    """
    return sum(_replay(db, line, now) for line in lines)


def _replay(db: Session, line: str, now: datetime) -> bool:
    try:
        read = json.loads(line)
        conversation, user = read["conversation"], read["user"]
    except (ValueError, KeyError, TypeError):
        raise NoSuchLine(line[:80]) from None
    found = _find(db, Conversation, conversation)
    person = _find(db, User, user)
    back = found is not None and not found.openid.startswith("erased-")
    if not back and (person is None or person.state == "erased"):
        return False
    begin_erasure(db, found.id if found else None, person.id if person else None, "replay", now)
    return True


def _row(number: int | None, born_at: datetime | None) -> list[Any] | None:
    return [number, born_at.isoformat()] if number and born_at else None


def _find(db: Session, table: Any, row: list[Any] | None) -> Any:
    """Find and lock the row, if it is the same as then."""
    found = db.get(table, row[0], with_for_update=True) if row else None
    return found if found is not None and row and found.created_at == datetime.fromisoformat(row[1]) else None
