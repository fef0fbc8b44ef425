"""Take the answer to "did I hear right?": the words go the way of typed ones, or are forgotten."""

from dataclasses import replace

from flows.engine.flow import Answer, Say
from handlers.routing import text
from handlers.routing.talk import Talk
from handlers.speech.screen import keep_screen, question_again, uncover
from models.people.message import MessageKind
from models.speech.voice import Voice, delete_voices, find_heard, voices_of


def use(talk: Talk, number: str) -> Answer:
    """Do with the words exactly what would be done if they had been typed, where the question was asked."""
    voice = _find(talk, number)
    if voice is None or voice.words is None:
        return keep_screen("replies/speech/gone")
    uncover(talk, voice.screen)
    words = voice.words
    delete_voices(talk.turn.db, [voice])
    typed = replace(talk.message, kind=MessageKind.TEXT, text=words, media_id="", option_id="")
    answer = text.handle(replace(talk, message=typed))
    answer.says += _more(talk)
    return answer


def drop(talk: Talk, number: str) -> Answer:
    """Forget the words, and ask to say it again or to type."""
    voice = _find(talk, number)
    if voice is None:
        return keep_screen("replies/speech/gone")
    uncover(talk, voice.screen)
    delete_voices(talk.turn.db, [voice])
    return keep_screen("replies/speech/dropped", *question_again(talk), *_more(talk))


def _find(talk: Talk, number: str) -> Voice | None:
    return find_heard(talk.turn.db, talk.turn.person.conversation_id, int(number))


def _more(talk: Talk) -> list[Say]:
    """Remind of other words that still wait for an answer: none is dropped unsaid."""
    left = len(voices_of(talk.turn.db, talk.turn.person.conversation_id, "heard", "aside"))
    return [Say("replies/speech/more", None, {"count": left})] if left else []
