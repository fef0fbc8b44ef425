"""Handle events: following and unfollowing, menu taps, scans, and WeChat's reports of sends and consents."""

from collections.abc import Callable

import structlog
from sqlalchemy import select, update

from flows.engine.flow import Answer
from handlers.notifications import delivery_reports, subscribe
from handlers.rights import consents
from handlers.routing import menu
from handlers.routing.dispatch import aside, run_command
from handlers.routing.talk import Talk
from models.desk import sign_in as desk
from models.notifications.service_window import close_windows
from models.people.conversation import Conversation
from models.people.shared_phone import parked_on, people_parked
from models.proxy import card
from models.public import appeal_code
from models.rights.erasure.erasure import erase_in_turn, order_erasure

log = structlog.get_logger()

# WeChat says so once; where the session cannot be read it is done all the same (bot.turn).
ORDERS = frozenset({"user_authorization_cancellation", "user_authorization_revoke"})


# What a scanned code begins with -> the command that takes the rest of it.
_SCENES = {card.SCENE: "bind_card", desk.SCENE: "desk_scan", appeal_code.SCENE: "scan_appeal"}
_SCENES[appeal_code.LISTING_SCENE] = "scan_listing"


def handle(talk: Talk) -> Answer:
    match talk.message.event:
        case "subscribe":
            _set_following(talk, True)
            return _scanned(talk, menu.welcome)
        case "unsubscribe":
            _set_following(talk, False)
            close_windows(talk.turn.db, [talk.turn.person.conversation_id])
            return _noted()
        case "click":
            return _tapped(talk, talk.message.event_key)
        case "scan":
            return _scanned(talk, menu.show)
        case subscribe.POPUP | subscribe.CHANGE:
            subscribe.record_choices(talk)
        case delivery_reports.TEMPLATE:
            delivery_reports.template_sent(talk)
        case delivery_reports.SUBSCRIPTION:
            delivery_reports.subscription_sent(talk)
        case "user_authorization_cancellation":
            # doc/service/guide/h5/authorization_change: the person's data must be deleted.
            _forget(talk)
        case "user_authorization_revoke":
            consents.revoke(talk, talk.message.event_key)
    return _noted()


def _scanned(talk: Talk, otherwise: Callable[[Talk], Answer]) -> Answer:
    """Handle a scanned code of the account: a resident's printed card, a browser that asks to be signed in at the desk,
    the page or poster of an appeal, the page of a listing, or any other, which ``otherwise`` answers."""
    scene = talk.message.event_key
    begins = next((each for each in _SCENES if scene.startswith(each)), None)
    if begins is None:
        return aside(talk, otherwise)
    return aside(talk, lambda talk: run_command(talk, _SCENES[begins], [scene.removeprefix(begins)]))


def _tapped(talk: Talk, command: str) -> Answer:
    """Run the command that a menu button's key names; an unknown key, of an older menu for example, gets the menu.

    The command ``human`` parks the draft itself, and notes where it was.
    """
    if not talk.commands.is_said(command):
        return aside(talk, menu.show)
    if command == "human":
        return run_command(talk, command, [])
    return aside(talk, lambda talk: run_command(talk, command, []))


def _forget(talk: Talk) -> None:
    person = talk.turn.person
    parked = people_parked(talk.turn.db, person.account, person.openid)
    for number in (person.conversation_id, *(each.id for each in parked)):
        _erase(talk, number)
    session = talk.session
    session.drafts, session.focus, session.screen, session.ticket, session.loose = [], None, None, None, []
    session.stoppable = None


def _erase(talk: Talk, number: int) -> None:
    """Erase one conversation's person. WeChat says it once: what fails here the worker does, until it succeeds."""
    turn, now = talk.turn, talk.world.now
    user = turn.db.scalar(select(Conversation.user_id).where(Conversation.id == number))
    ordered = order_erasure(turn.db, number, user, "wechat", now).id
    try:
        with turn.atomic():
            photos, left = erase_in_turn(turn.db, number, now)
    except Exception:  # of any kind: the order stays, and the worker goes on with it
        log.exception("erasure.failed_in_turn", erasure=ordered)
        photos, left = [], ordered
    turn.jobs += [("forget_photo", photo) for photo in photos]
    if left:
        turn.jobs.append(("erase", left))


def _noted() -> Answer:
    """Answer nothing: WeChat gets a plain acknowledgement."""
    return Answer([], outcome="noted")


def _set_following(talk: Talk, following: bool) -> None:
    person = talk.turn.person
    here = (Conversation.id == person.conversation_id) | parked_on(person.account, person.openid)
    talk.turn.db.execute(update(Conversation).where(here).values(following=following))
