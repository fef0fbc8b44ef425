"""语音: ask whether a voice was heard right, when the question could not come by itself."""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.speech.screen import answers, covered, keep_screen
from models.speech.voice import ask_again, voices_of


def ask_about_voice(talk: Talk) -> Answer:
    """Show the oldest words that came aside, or else the newest; with none, say how it stands."""
    if not talk.world.recogniser:
        return keep_screen("replies/speech/off")
    db, person = talk.turn.db, talk.turn.person.conversation_id
    aside, heard = voices_of(db, person, "aside"), voices_of(db, person, "heard")
    voice = aside[0] if aside else heard[-1] if heard else None
    if voice is None:
        listening = voices_of(db, person, "listening")
        return keep_screen("replies/speech/busy" if listening else "replies/speech/none")
    ask_again(db, voice, covered(talk))
    number = str(voice.id)
    ways = {"heard_right": ["use_voice", number], "heard_wrong": ["drop_voice", number]}
    values = {"words": voice.words}
    return Answer([Say("replies/speech/heard", None, values)], answers(talk, "push_offer", ways), "voice_question")
