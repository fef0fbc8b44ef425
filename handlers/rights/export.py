"""导出: give a person the link to everything that is known about them; and stop what waits as soon as they write."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Session
from flows.engine.turn import TurnContext
from flows.rights.export import tell
from handlers.routing.talk import Talk
from models.notifications.service_window import window_opened_by
from models.people.message import Message
from models.people.user import User
from models.rights.request import ask_for_export, end_requests, ready_export, stop_waiting


def export(talk: Talk) -> Answer:
    """Repeat the link that is good, ask for the last places of the ID number, or wait where none is on record.

    Raises AskedTooOften or TooManyPlaces.
    """
    turn, now = talk.turn, talk.world.now
    ready = ready_export(turn.db, turn.person.conversation_id, now)
    if ready:
        return tell(turn, ready)
    user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
    if user and user.id_number:
        return talk.start("export_data")
    request = ask_for_export(turn.db, turn.person.conversation_id, now, proved=False)
    return tell(turn, request, unknown=True)


def wait(talk: Talk) -> Answer:
    """Begin to wait, without the proof. Raises AskedTooOften."""
    request = ask_for_export(talk.turn.db, talk.turn.person.conversation_id, talk.world.now, proved=False)
    return tell(talk.turn, request)


def stop(turn: TurnContext, session: Session, message: Message) -> list[Say]:
    """Stop what waits, because the person wrote or tapped; say so.

    The session knows of it, so that an ordinary turn asks the database nothing.
    """
    if session.stoppable is None or window_opened_by(message) is None:
        return []
    session.stoppable = None
    return [_stopped(kind) for kind in stop_waiting(turn.db, turn.person.conversation_id, turn.world.now)]


def tell_stopped(stopped: list[Say], says: list[Say]) -> list[Say]:
    """Put the words of a stop before the answer, but after the numbers to call of a person in danger."""
    in_danger = 1 if says and says[0].template == "replies/support/danger" else 0
    return [*says[:in_danger], *stopped, *says[in_danger:]]


def stop_unseen(turn: TurnContext) -> list[Say]:
    """Stop what waits where the session, which would know of it, was set aside; say so."""
    return [_stopped(kind) for kind in end_requests(turn.db, turn.person.conversation_id, turn.world.now)]


def _stopped(kind: str) -> Say:
    return Say("replies/rights/stopped", None, {"kind": kind})
