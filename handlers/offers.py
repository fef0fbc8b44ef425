"""What a push offered: the person's next number, or the line they tap, means that, until something newer is shown."""

import re

import structlog

from flows.session import SCREEN_LASTS, Option, Screen
from handlers.talk import Talk
from models.notice import Offered, last_offered, offered_by
from models.notice_kind import KINDS
from models.sealing import CannotOpen

log = structlog.get_logger()

_TAPPED = re.compile(r"n([0-9]{1,18})-([1-9])")


def tap_id(notice_id: int, number: int) -> str:
    """What WeChat sends back with a tap on this line of a push."""
    return f"n{notice_id}-{number}"


def put_on_screen(talk: Talk) -> None:
    """A push that came after our last reply is what the person looks at."""
    at = talk.desk.offered_at
    if at is None or at.timestamp() <= talk.session.shown or talk.world.now - at >= SCREEN_LASTS:
        return
    offered = last_offered(talk.desk.db, talk.desk.person.conversation_id)
    options = options_of(offered) if offered else []
    if options:
        talk.session.screen = Screen(options, int(at.timestamp()))


def tapped(talk: Talk) -> Option | None:
    """The line of a push that was tapped, whatever has been on the screen since."""
    found = _TAPPED.fullmatch(talk.message.option_id)
    if not found:
        return None
    offered = offered_by(talk.desk.db, talk.desk.person.conversation_id, int(found[1]))
    if offered is None or talk.world.now - offered.at >= SCREEN_LASTS:
        return None
    return next((option for option in options_of(offered) if option.number == int(found[2])), None)


def options_of(offered: Offered) -> list[Option]:
    """As the push numbered them; none where its facts cannot be read any more."""
    try:
        facts = offered.facts()
    except CannotOpen:
        log.warning("offer.cannot_open", notice=offered.id)
        return []
    offers = KINDS[offered.template].offers if offered.template in KINDS else ()
    return [
        Option(number, "", ["command", name, *(str(facts[fact]) for fact in wanted)])
        for number, (name, *wanted) in enumerate((offer.do for offer in offers), 1)
    ]
