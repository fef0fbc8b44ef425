"""注销: begin the conversation in which a person asks to be erased."""

from flows.engine.flow import Answer
from flows.rights.identity import WAIT
from handlers.routing.talk import Talk
from models.people.user import User


def erase(talk: Talk) -> Answer:
    """Ask for the last places of the ID number, where one is on record. Raises the refusals of the flow's ``admit``."""
    turn = talk.turn
    user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
    return talk.start("erase_data") if user and user.id_number else without_places(talk)


def without_places(talk: Talk) -> Answer:
    """Go on without the proof, and wait a day longer. Raises CannotErase or AskedTooOften."""
    return talk.start("erase_data", {"waits": True}, last_places=WAIT)
