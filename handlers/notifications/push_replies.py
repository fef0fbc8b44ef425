"""Read replies to a push: a typed number or a tapped line chooses what it offered, until a newer reply is shown."""

import re

import structlog

from flows.engine.session import SCREEN_LASTS, Option, Screen
from flows.language.numerals import ordinal
from flows.language.wording import plain
from handlers.routing.talk import Talk
from models.core.encryption import CannotOpen
from models.notifications.kinds import KINDS
from models.notifications.notification import PushWithChoices, find_push_with_choices, last_push_with_choices

log = structlog.get_logger()

_TAPPED = re.compile(r"n([0-9]{1,18})-([1-9])")
# The most numbered lines that a push has.
MOST_OFFERS = 3
# What choosing a line does: begin something else than the person is at, or answer what they were asked about what they
# said, which changes nothing of where they are.
OFFER, ANSWER = "offer", "answer"
# What a number does whose push is too old or cannot be decrypted.
OVER = ["offer_over"]


def tap_id(notification_id: int, number: int) -> str:
    """Make the id that WeChat sends back when this line of a push is tapped."""
    return f"n{notification_id}-{number}"


def put_on_screen(talk: Talk) -> None:
    """Put the choices of a push that came after our last reply on the screen."""
    at = talk.turn.offered_at
    if at is None or at.timestamp() <= talk.session.shown or talk.world.now - at >= SCREEN_LASTS:
        return
    offered = last_push_with_choices(talk.turn.db, talk.turn.person.conversation_id)
    if offered and not _was_overtaken(talk, offered):
        talk.session.screen = Screen(_options_of(talk, offered), int(at.timestamp()))


def tapped(talk: Talk) -> Option | None:
    """Return the tapped line of a push, even when something newer is on the screen; None when it is no such tap."""
    found = _TAPPED.fullmatch(talk.message.option_id)
    if not found:
        return None
    number = int(found[2])
    offered = find_push_with_choices(talk.turn.db, talk.turn.person.conversation_id, int(found[1]))
    lines = _options_of(talk, offered) if offered and talk.world.now - offered.at < SCREEN_LASTS else []
    return next((option for option in lines if option.number == number), Option(number, "", OVER))


def typed(talk: Talk) -> Option | None:
    """Return the line of a push whose number or label was typed; None where no push is on the screen."""
    screen = talk.session.screen
    if screen is None or not screen.options or screen.options[0].do[0] not in (OFFER, ANSWER, *OVER):
        return None
    return pick(screen, talk.message.text)


def pick(screen: Screen, text: str) -> Option | None:
    """Return the line whose number or label the text is; None where there is none."""
    number = ordinal(text)
    for option in screen.options:
        if option.number == number or (option.label and plain(option.label) == plain(text)):
            return option
    return None


def _was_overtaken(talk: Talk, offered: PushWithChoices) -> bool:
    """Tell whether the push answers what was said before something else: then its choices take nothing's place."""
    kind = KINDS.get(offered.template)
    if kind is None or not kind.awaited:
        return False
    try:
        return float(offered.facts()["since"]) < talk.session.shown
    except CannotOpen:
        return True


def _options_of(talk: Talk, offered: PushWithChoices) -> list[Option]:
    """List the choices as the push numbered them, once per label; of a push that cannot be decrypted they are over."""
    kind = KINDS.get(offered.template)
    try:
        if kind:
            facts = {**offered.facts(), "topic": kind.topic}
            labels, verb = talk.world.lexicon.choices["push_offer"], ANSWER if kind.awaited else OFFER
            return [
                Option(number, label, [verb, name, *(str(facts[fact]) for fact in wanted)])
                for number, offer in enumerate(kind.offered(facts), 1)
                for name, *wanted in [offer.do]
                for label in labels[offer.name]
            ]
    except (CannotOpen, KeyError) as error:
        log.warning("offer.unreadable", notice=offered.id, error=type(error).__name__)
    return [Option(number, "", OVER) for number in range(1, MOST_OFFERS + 1)]
