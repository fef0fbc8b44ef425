"""Events: following and leaving, taps on the menu, scans, and what WeChat reports about sends and consent."""

from collections.abc import Callable

from sqlalchemy import update

from flows.flow import Answer
from handlers import consent, human, menu, reports
from handlers.dispatch import run_command
from handlers.talk import Talk
from handlers.text import aside
from models.card import SCENE
from models.conversation import Conversation
from models.erase import erase_person
from models.window import close_windows


def handle(talk: Talk) -> Answer:
    match talk.message.event:
        case "subscribe":
            _set_following(talk, True)
            return _scanned(talk, menu.welcome)
        case "unsubscribe":
            _set_following(talk, False)
            close_windows(talk.desk.db, [talk.desk.person.conversation_id])
            return _noted()
        case "click":
            return _tapped(talk, talk.message.event_key)
        case "scan":
            return _scanned(talk, menu.show)
        case consent.POPUP | consent.CHANGE:
            consent.heard(talk)
        case reports.TEMPLATE:
            reports.template_sent(talk)
        case reports.SUBSCRIPTION:
            reports.subscription_sent(talk)
        case "user_authorization_cancellation" | "user_authorization_revoke":
            # doc/service/guide/h5/authorization_change: after either, what is kept of the person must be deleted.
            _forget(talk)
    return _noted()


def _scanned(talk: Talk, otherwise: Callable[[Talk], Answer]) -> Answer:
    """A code of the account: a resident's printed card, or any other, which leads to what anybody sees."""
    scene = talk.message.event_key
    if not scene.startswith(SCENE):
        return aside(talk, otherwise)
    human.leave(talk)
    return aside(talk, lambda talk: run_command(talk, "bind_card", [scene.removeprefix(SCENE)]))


def _tapped(talk: Talk, command: str) -> Answer:
    """A menu button's key is a command's name. Calling a person lays the draft aside itself, and notes where it was.

    A key that is no word's command (a button of an older menu, say) gets the menu.
    """
    human.leave(talk)
    if not talk.commands.is_said(command):
        return aside(talk, menu.show)
    if command == "human":
        return run_command(talk, command, [])
    return aside(talk, lambda talk: run_command(talk, command, []))


def _forget(talk: Talk) -> None:
    photos = erase_person(talk.desk.db, talk.desk.person.conversation_id, talk.world.now)
    talk.desk.jobs += [("forget_photo", photo) for photo in photos]
    session = talk.session
    session.drafts, session.focus, session.screen, session.ticket = [], None, None, None


def _noted() -> Answer:
    """Nothing to say: WeChat gets its plain acknowledgement."""
    return Answer([], outcome="noted")


def _set_following(talk: Talk, following: bool) -> None:
    talk.desk.db.execute(
        update(Conversation).where(Conversation.id == talk.desk.person.conversation_id).values(following=following)
    )
