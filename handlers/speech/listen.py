"""Take a voice message: ask for consent first, then let a job hear it, and say at once that we listen."""

from flows.engine.flow import Answer
from handlers.routing.talk import Talk
from handlers.speech.consent import ask_consent
from handlers.speech.screen import covered, keep_screen
from models.people.message import MessageKind
from models.speech.consent import has_consented
from models.speech.voice import keep_voice


def listen(talk: Talk) -> Answer | None:
    """Answer a voice that WeChat did not recognise; None for other messages, and where nobody recognises voices."""
    if talk.message.kind is not MessageKind.VOICE or not talk.world.recogniser:
        return None
    db, person = talk.turn.db, talk.turn.person.conversation_id
    consented = has_consented(db, person, talk.world.recogniser)
    media_id, now = talk.message.media_id, talk.world.now
    voice = keep_voice(db, person, media_id, covered(talk), now, consented=consented)
    if not consented:
        return ask_consent(talk)
    if voice is None:
        return keep_screen("replies/speech/busy")
    talk.turn.jobs.append(("hear_voice", voice.id))
    return keep_screen("replies/speech/listening")
