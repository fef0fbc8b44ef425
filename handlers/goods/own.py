"""Declare what owners may do with their requests, offers and listings, and let them renew what is old."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from flows.engine.flow import Answer
from flows.engine.turn import TurnContext
from handlers.goods import desk
from handlers.people.own_things import Act, OwnedKind
from handlers.routing.answers import with_ways
from handlers.routing.roles import OFFICERS
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse_reference
from models.core.state_machine import By
from models.core.subject import Subject
from models.goods import ending
from models.goods.exchange import NoSuchThing

# What becomes of a thing by the words that every kind has.
_WITHDRAWN = {"withdraw": "withdrawn", "take_off": "withdrawn"}


def owned_goods(
    subject: Subject,
    name: Any,
    ends: Mapping[str, str],
    flow: str,
    answers_of: Callable[[TurnContext, Any], dict[str, Any]],
) -> OwnedKind:
    """Declare a kind of goods. ``name``: its column; ``ends``: word -> the state to which it ends the thing.

    ``flow`` asks for such a thing, and ``answers_of`` makes the flow's answers of one that is mended.
    """
    acts = {
        word: Act(_states_before(subject, state), partial(_end, subject.name, state))
        for word, state in {**ends, **_WITHDRAWN}.items()
    }
    mend = Act(_states_before(subject, "submitted"), partial(_mend, subject.name, flow, answers_of), asks=True)
    return OwnedKind(
        subject.name, partial(_of_owner, subject, name), {**acts, "fix": mend}, partial(_otherwise, subject)
    )


def renew(talk: Talk, reference: str) -> Answer:
    """Renew the person's public request, offer or listing. Only a numbered line leads here.

    Raises NoSuchThing or WrongState.
    """
    subject, number = parse_reference(reference)
    thing = ending.renew(talk.turn.db, talk.turn.person.user_id, subject, number, talk.world.now)
    return _said("replies/goods/renewed", subject, thing)


def _states_before(subject: Subject, to: str) -> frozenset[str]:
    """Return the states from which its owner may move a thing that exists to the state ``to``."""
    assert subject.machine is not None  # noqa: S101 - what is reviewed has states
    moves = subject.machine.moves.items()
    return frozenset(source for (source, target), by in moves if target == to and By.OWNER in by and source != "draft")


def _of_owner(subject: Subject, name: Any, user_id: int) -> Select[*tuple[Any, ...]]:
    table = subject.table
    return select(table.id, name.label("title"), table.state).where(subject.owner == user_id)


def _end(subject: str, to: str, talk: Talk, number: int) -> Answer:
    """End it. Raises NoSuchThing or WrongState."""
    thing = ending.end(talk.turn.db, talk.turn.person.user_id, subject, number, to, talk.world.now)
    return _said("replies/goods/ended", subject, thing)


def _mend(
    subject: str, flow: str, answers_of: Callable[[TurnContext, Any], dict[str, Any]], talk: Talk, number: int
) -> Answer:
    """Begin its conversation again, with its earlier answers. Raises NoSuchThing or WrongState."""
    thing = ending.begin_mending(talk.turn.db, talk.turn.person.user_id, subject, number)
    return talk.start(flow, {"mends": number}, **answers_of(talk.turn, thing))


def _otherwise(subject: Subject, talk: Talk, word: str, number: int, words: str) -> Answer | None:
    """Let an officer take down another person's, with a reason. Raises NoSuchThing to everybody else."""
    thing = talk.turn.db.get(subject.table, number)
    if thing is not None and thing.owner_id == talk.turn.person.user_id:
        return None
    staff = find_seat(talk)
    if word == "take_off" and staff and staff.role in OFFICERS:
        return desk.take_down(talk, f"{subject.name}:{number}", words)
    raise NoSuchThing(what=subject.name, number=number)


def _said(template: str, subject: str, thing: Any) -> Answer:
    values = {"subject": subject, "number": thing.id, "name": thing.title, "state": thing.state}
    return with_ways(template, values, {"mine": ["command", "mine"]})
