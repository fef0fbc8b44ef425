"""下架, 撤回, 送完了, 收到了, 卖完了, 改: owners end or mend what they sell, give away and ask for."""

from collections.abc import Callable
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.turn import TurnContext
from flows.goods import offer, request
from flows.market import list_produce
from handlers.appeals import correction
from handlers.disbursements import owner as money
from handlers.goods import desk
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.roles import OFFICERS
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse_reference
from models.goods import ending
from models.goods.exchange import NoSuchThing
from models.goods.review import KINDS

MOST = 5
# Kind -> its conversation, and how it becomes that one's answers.
_FLOWS: dict[str, tuple[str, Callable[[TurnContext, Any], dict[str, Any]]]] = {
    "request": ("request_goods", request.answers_of),
    "offer": ("offer_goods", offer.answers_of),
    "listing": ("list_produce", list_produce.answers_of),
}


def take_off(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """下架 <号>: end one's own listing; an officer takes down another's, with a reason. Raises NoSuchThing."""
    if not reference:
        return _which(talk, "take_off", "listing", "withdrawn")
    subject, number = parse_reference(reference)
    try:
        return _end(talk, subject, number, "withdrawn")
    except NoSuchThing:
        staff = find_seat(talk)
        if staff is None or staff.role not in OFFICERS:
            raise
    return desk.take_down(talk, reference, words)


def withdraw(talk: Talk, reference: str = "") -> Answer:
    """撤回 <号>: end one's own request, offer or listing, or begin to withdraw an appeal. Raises NoSuchThing."""
    subject, number = _parse(reference)
    if subject in KINDS:
        return _end(talk, subject, number, "withdrawn")
    return correction.withdraw(talk, str(number) if number else "")


def fix(talk: Talk, reference: str = "") -> Answer:
    """改 <号>: mend one's own request, offer or listing, or correct an appeal. Raises NoSuchThing or WrongState."""
    subject, number = _parse(reference)
    if subject not in KINDS:
        return correction.fix(talk, str(number) if number else "")
    flow, answers_of = _FLOWS[subject]
    thing = ending.begin_mending(talk.turn.db, talk.turn.person.user_id, subject, number)
    return talk.start(flow, {"mends": number}, **answers_of(talk.turn, thing))


def gave_all(talk: Talk, reference: str = "") -> Answer:
    """送完了 <号>: end one's own offer, of which nothing is left. Raises NoSuchThing or WrongState."""
    return _ends(talk, "gave_all", reference, "offer", "exhausted")


def sold_out(talk: Talk, reference: str = "") -> Answer:
    """卖完了 <号>: take what is sold out off the list; mended, it comes back. Raises NoSuchThing or WrongState."""
    return _ends(talk, "sold_out", reference, "listing", "sold_out")


def got_it(talk: Talk, reference: str = "") -> Answer:
    """收到了 <号>: end one's own request, which was met. Without a request, it is about a payment.

    Raises NoSuchThing or WrongState.
    """
    user_id = talk.turn.person.user_id
    if not reference and not (user_id and ending.own_things(talk.turn.db, user_id, "request", "met", 1)):
        return money.received(talk)
    return _ends(talk, "got_it", reference, "request", "met")


def renew(talk: Talk, reference: str) -> Answer:
    """Keep what is one's own where others see it. Only a numbered line leads here. Raises NoSuchThing or WrongState."""
    subject, number = parse_reference(reference)
    thing = ending.renew(talk.turn.db, talk.turn.person.user_id, subject, number, talk.world.now)
    return _said("replies/goods/renewed", subject, thing)


def _ends(talk: Talk, command: str, reference: str, subject: str, to: str) -> Answer:
    if not reference:
        return _which(talk, command, subject, to)
    return _end(talk, subject, parse_reference(reference)[1], to)


def _end(talk: Talk, subject: str, number: int, to: str) -> Answer:
    thing = ending.end(talk.turn.db, talk.turn.person.user_id, subject, number, to, talk.world.now)
    return _said("replies/goods/ended", subject, thing)


def _said(template: str, subject: str, thing: Any) -> Answer:
    values = {"subject": subject, "number": thing.id, "name": thing.title, "state": thing.state}
    return with_ways(template, values, {"mine": ["command", "mine"]})


def _which(talk: Talk, command: str, subject: str, to: str) -> Answer:
    """Ask which of their own is meant, by numbers."""
    user_id = talk.turn.person.user_id
    found = ending.own_things(talk.turn.db, user_id, subject, to, MOST) if user_id else []
    if not found:
        return Answer([Say("replies/goods/none", None, {"subject": subject})])
    things = [{"number": thing.id, "name": thing.title, "state": thing.state} for thing in found]
    return ask_which(
        "replies/goods/which", things, lambda one: [command, f"{subject}:{one['number']}"], subject=subject, to=to
    )


def _parse(reference: str) -> tuple[str, int]:
    """Read a reference; a bare number is an appeal's, and nothing is appeal 0."""
    if ":" in reference:
        return parse_reference(reference)
    return "appeal", int(reference or 0)
