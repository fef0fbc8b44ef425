"""Ask for the consent to have voices recognised, which names the recogniser; record it, and let people withdraw it."""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.speech.screen import answers, keep_screen, question_again, uncover
from models.speech.consent import grant, has_consented, withdraw
from models.speech.voice import delete_voices, forget_voices, listen_to_waiting, voices_of


def allow_by_word(talk: Talk) -> Answer:
    """听语音: ask for the consent, without a voice that waits for it."""
    if not talk.world.recogniser:
        return Answer([Say("replies/speech/off")])
    if has_consented(talk.turn.db, talk.turn.person.conversation_id, talk.world.recogniser):
        return keep_screen("replies/speech/allowed")
    return ask_consent(talk)


def ask_consent(talk: Talk) -> Answer:
    options = answers(talk, "agree", {"yes": ["agree_to_voice"], "no": ["refuse_voice"]})
    values = {"recogniser": talk.world.recogniser}
    return Answer([Say("replies/speech/consent", None, values)], options, "voice_consent")


def agree(talk: Talk) -> Answer:
    """Record the consent, and listen to the voices that waited for it."""
    if not talk.world.recogniser:
        return Answer([Say("replies/speech/off")])
    db, person = talk.turn.db, talk.turn.person.conversation_id
    _uncover_waiting(talk)
    if not has_consented(db, person, talk.world.recogniser):
        grant(db, person, talk.world.recogniser, talk.world.now)
    waiting = listen_to_waiting(db, person, talk.world.now)
    talk.turn.jobs += [("hear_voice", voice) for voice in waiting]
    return keep_screen("replies/speech/listening" if waiting else "replies/speech/allowed")


def refuse(talk: Talk) -> Answer:
    """Delete the voices that waited for the consent; nobody has heard them."""
    db, person = talk.turn.db, talk.turn.person.conversation_id
    _uncover_waiting(talk)
    delete_voices(db, voices_of(db, person, "waiting"))
    return keep_screen("replies/speech/refused", *question_again(talk))


def stop(talk: Talk) -> Answer:
    """不听语音: withdraw the consent, and delete all voices with what was heard."""
    db, person = talk.turn.db, talk.turn.person.conversation_id
    withdraw(db, person, talk.world.now)
    forget_voices(db, person)
    return Answer([Say("replies/speech/stopped")])


def _uncover_waiting(talk: Talk) -> None:
    waiting = voices_of(talk.turn.db, talk.turn.person.conversation_id, "waiting")
    uncover(talk, waiting[-1].screen if waiting else "")
