"""Keep what stands on the screen answerable while the bot speaks about a voice."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option, load_screen, save_screen
from handlers.notifications.push_replies import ANSWER
from handlers.routing.talk import Talk
from models.speech.voice import STATES, voices_of


def keep_screen(template: str, *more: Say) -> Answer:
    """Say something that leaves the choices on the screen as they are."""
    return Answer([Say(template), *more], outcome=template.rpartition("/")[2], keeps_screen=True)


def covered(talk: Talk) -> str:
    """Return the choices that a question about a voice is to cover, as JSON: never those of another such question."""
    if asks_about_voice(talk):
        voices = voices_of(talk.turn.db, talk.turn.person.conversation_id, *STATES)
        return voices[-1].screen if voices else ""
    return save_screen(talk.session.screen)


def uncover(talk: Talk, screen: str) -> None:
    """Put the covered choices back, unless something newer than the question stands on the screen."""
    if asks_about_voice(talk):
        talk.session.screen = load_screen(screen, talk.world.now)


def asks_about_voice(talk: Talk) -> bool:
    screen = talk.session.screen
    return screen is not None and bool(screen.options) and screen.options[0].do[0] == ANSWER


def answers(talk: Talk, choice_set: str, ways: dict[str, list[str]]) -> list[Option]:
    """Number the answers to a question about a voice. ``ways``: key in the choice set -> command with arguments."""
    labels = talk.world.lexicon.choices[choice_set]
    return [
        Option(number, label, [ANSWER, *command])
        for number, (key, command) in enumerate(ways.items(), 1)
        for label in labels[key]
    ]


def question_again(talk: Talk) -> list[Say]:
    """Ask the question of the draft in focus once more, where there is one."""
    draft = talk.session.draft
    return talk.engine.ask(talk.session, draft, talk.world).says if draft else []
