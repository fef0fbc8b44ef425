"""What a push offered: the person's next number, or the line they tap, means that, until something newer is shown."""

import re

import structlog

from flows.engine.session import SCREEN_LASTS, Option, Screen
from flows.language.numerals import ordinal
from flows.language.wording import plain
from handlers.routing.talk import Talk
from models.core.encryption import CannotOpen
from models.notifications.kinds import KINDS
from models.notifications.notification import Offered, last_offered, offered_by

log = structlog.get_logger()

_TAPPED = re.compile(r"n([0-9]{1,18})-([1-9])")
# No push has more numbered lines.
MOST_OFFERS = 3
# What a number means whose push is too old, or cannot be read any more.
OVER = ["offer_over"]


def tap_id(notice_id: int, number: int) -> str:
    """What WeChat sends back with a tap on this line of a push."""
    return f"n{notice_id}-{number}"


def put_on_screen(talk: Talk) -> None:
    """A push that came after our last reply is what the person looks at."""
    at = talk.desk.offered_at
    if at is None or at.timestamp() <= talk.session.shown or talk.world.now - at >= SCREEN_LASTS:
        return
    offered = last_offered(talk.desk.db, talk.desk.person.conversation_id)
    if offered:
        talk.session.screen = Screen(_options_of(talk, offered), int(at.timestamp()))


def tapped(talk: Talk) -> Option | None:
    """The line of a push that was tapped, whatever has been on the screen since; None when this is no such tap."""
    found = _TAPPED.fullmatch(talk.message.option_id)
    if not found:
        return None
    number = int(found[2])
    offered = offered_by(talk.desk.db, talk.desk.person.conversation_id, int(found[1]))
    lines = _options_of(talk, offered) if offered and talk.world.now - offered.at < SCREEN_LASTS else []
    return next((option for option in lines if option.number == number), Option(number, "", OVER))


def typed(talk: Talk) -> Option | None:
    """The line whose number or label was typed, while a push is what the person looks at."""
    screen = talk.session.screen
    if screen is None or not screen.options or screen.options[0].do[0] not in ("offer", *OVER):
        return None
    return pick(screen, talk.message.text)


def pick(screen: Screen, text: str) -> Option | None:
    """The numbered line that a text names."""
    number = ordinal(text)
    for option in screen.options:
        if option.number == number or (option.label and plain(option.label) == plain(text)):
            return option
    return None


def _options_of(talk: Talk, offered: Offered) -> list[Option]:
    """As the push numbered them, each under its number and each of its labels; those of one that is unreadable are
    over."""
    kind = KINDS.get(offered.template)
    try:
        if kind:
            facts = {**offered.facts(), "topic": kind.topic}
            labels = talk.world.lexicon.choices["push_offer"]
            return [
                Option(number, label, ["offer", name, *(str(facts[fact]) for fact in wanted)])
                for number, offer in enumerate(kind.offers, 1)
                for name, *wanted in [offer.do]
                for label in labels[offer.name]
            ]
    except (CannotOpen, KeyError) as error:
        log.warning("offer.unreadable", notice=offered.id, error=type(error).__name__)
    return [Option(number, "", OVER) for number in range(1, MOST_OFFERS + 1)]
