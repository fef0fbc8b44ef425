"""Declare what owners may do with updates and thanks that wait for an officer: change or withdraw them."""

from typing import Any

from sqlalchemy import Select, select

from flows.engine.flow import Answer
from handlers.people.own_things import Act, OwnedKind
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal
from models.outreach import update_review
from models.outreach.update import Update
from models.outreach.update_review import NoSuchUpdate

_WAITING = ("submitted",)
# Kind of update -> its conversation, and what its draft is given the appeal's number as.
_FLOWS = {"progress": ("post_update", "tells"), "thanks": ("thank", "thanks_for")}


def _of_owner(user_id: int) -> Select[*tuple[Any, ...]]:
    updates = select(Update.id, Appeal.title, Update.state).join(Appeal, Appeal.id == Update.appeal_id)
    return updates.where(Appeal.owner_id == user_id)


def _change(talk: Talk, number: int) -> Answer:
    """Begin another one with these words; submitted, it takes this one's place. Photos are asked for anew."""
    update = talk.turn.db.get_one(Update, number)
    flow, given = _FLOWS[update.kind]
    return talk.start(flow, {given: update.appeal_id, "replaces": number}, words=update.words)


def _withdraw(talk: Talk, number: int) -> Answer:
    """Raises NoSuchUpdate or WrongState."""
    update, dropped = update_review.withdraw(talk.turn.db, talk.turn.person.user_id, number, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    values = {"number": number, "kind": update.kind, "appeal": update.appeal_id}
    return with_ways("replies/outreach/update_withdrawn", values, {"mine": ["command", "mine"]})


def _otherwise(talk: Talk, _word: str, number: int, _words: str) -> Answer | None:
    owner = select(Appeal.owner_id).join(Update, Update.appeal_id == Appeal.id).where(Update.id == number)
    if talk.turn.person.user_id is None or talk.turn.db.scalar(owner) != talk.turn.person.user_id:
        raise NoSuchUpdate(number=number)
    return None


OWNED = OwnedKind(
    "update",
    _of_owner,
    {"fix": Act(_WAITING, _change, asks=True), "withdraw": Act(_WAITING, _withdraw)},
    _otherwise,
)
