"""Prove who writes by the last places of the ID number on record: the phone in the hand is often of the family.

Wrong tries are counted per conversation and day, for all that asks for this proof.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.people.erased_phone import tries_from_phone
from models.people.user import NUMBER_TRIED, User

PLACES = 6
MOST_TRIES = 5
_TRIED = "last_places"


@dataclass(frozen=True, slots=True)
class Unproved:
    """The command that goes on without the proof, by waiting, and its arguments.

    ``changes``: it changes something, which waits a day longer than it would with the proof.
    """

    command: str
    changes: bool = False
    arguments: tuple[str, ...] = ()


class WrongPlaces(Refusal):
    """The last places are wrong. ``left``: tries that are left today."""

    code = "wrong_places"
    step = "last_places"


class TooManyPlaces(Refusal):
    """The conversation gave ``most`` wrong answers today. ``ways`` and ``changes``: of its Unproved way."""

    code = "too_many_places"
    final = True


def check_tries_left(db: Session, conversation_id: int, now: datetime, way: Unproved) -> None:
    """Raises TooManyPlaces, with the ``way`` that goes on without the proof."""
    if tries_from_phone(db, _TRIED, conversation_id, now) >= MOST_TRIES:
        raise _too_many(way)


def prove_places(db: Session, user: User | None, said: str, conversation_id: int, now: datetime, way: Unproved) -> None:
    """Check the last places of the user's ID number; a wrong try is recorded.

    Raises WrongPlaces or TooManyPlaces. Do not call it where a refusal rolls back: the record must stay.
    """
    check_tries_left(db, conversation_id, now, way)
    if user and user.id_number and hmac.compare_digest(user.id_number[-PLACES:].encode(), said.encode()):
        return
    who = f"conversation:{conversation_id}"
    record(db, at=now, actor=who, action=NUMBER_TRIED, subject=_TRIED, subject_id=conversation_id)
    left = MOST_TRIES - tries_from_phone(db, _TRIED, conversation_id, now) - 1
    if left <= 0:
        raise _too_many(way)
    raise WrongPlaces(left=left)


def _too_many(way: Unproved) -> TooManyPlaces:
    return TooManyPlaces(most=MOST_TRIES, changes=way.changes, ways=((way.command, *way.arguments),))
