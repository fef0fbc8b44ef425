"""代办: an officer reads an appeal's page to its owner, who has no phone, and agrees to it for them, or closes it."""

from flows.engine.flow import Answer
from flows.proxy.common import lock_mandate
from handlers.proxy.residents import ask_which_resident
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.talk import Talk
from models.proxy.mandate import PAGE
from models.public import page_by_mandate
from models.public.appeal_page import find_page, has_looked, is_agreed


def choose_resident(talk: Talk) -> Answer:
    """Offer the residents with a live mandate for a page, or a new mandate. Raises NotYours."""
    commands = ("proxy_pages_of", "proxy_page_mandate")
    return ask_which_resident(talk, PAGE, "replies/public/proxy_page_people", *commands)


def new_mandate(talk: Talk) -> Answer:
    """Record a resident's consent that the officer agrees to a page for them. Raises NotYours."""
    return talk.start("proxy_mandate", {"scope": PAGE})


def pages(talk: Talk, mandate: str) -> Answer:
    """List the resident's appeals that may have a page. Raises NotYours or NoMandate."""
    _, held, user = lock_mandate(talk.turn, int(mandate), PAGE)
    found = page_by_mandate.pages_of(talk.turn.db, held, talk.world.now)
    titles = [{"number": appeal.id, "title": appeal.title} for appeal in found]
    values = {"name": user.masked_name}
    return ask_which(
        "replies/public/proxy_pages", titles, lambda one: ["proxy_page", mandate, str(one["number"])], **values
    )


def page(talk: Talk, mandate: str, number: str) -> Answer:
    """Give the link to read the page out, then the resident's answers. Raises as ``agree`` does, but LookFirst."""
    _, held, user = lock_mandate(talk.turn, int(mandate), PAGE)
    db, now = talk.turn.db, talk.world.now
    appeal = page_by_mandate.check_agreeable(db, held, int(number), now)
    found, both = find_page(db, appeal.id), [mandate, number]
    again = ["command", "proxy_page", *both]
    if is_agreed(found):
        ways, stands = {"close": ["command", "proxy_close_page", *both]}, "open"
    elif has_looked(found, now):
        ways, stands = {"agree": ["command", "proxy_agree_to_page", *both]}, "read"
    else:
        ways, stands = {"looked": again}, "unread"
    ways["list"] = ["command", "proxy_pages_of", mandate]
    values = {"number": appeal.id, "title": appeal.title, "name": user.masked_name, "stands": stands}
    values["link"] = talk.world.link("appeal" if stands == "open" else "reading", _what(stands, appeal.id))
    return with_ways("replies/public/proxy_page", values, ways)


def agree(talk: Talk, mandate: str, number: str) -> Answer:
    """Agree for the resident. Raises NotYours, NoMandate, NoSuchAppeal, PageNotNow, AgreedBefore or LookFirst."""
    staff, held, _ = lock_mandate(talk.turn, int(mandate), PAGE)
    page_by_mandate.agree_for(talk.turn.db, staff, held, int(number), talk.world.now)
    return page(talk, mandate, number)


def close(talk: Talk, mandate: str, number: str) -> Answer:
    """Close the page for the resident. Raises NotYours, NoMandate, NoSuchAppeal or NoPage."""
    staff, held, user = lock_mandate(talk.turn, int(mandate), PAGE)
    page_by_mandate.close_for(talk.turn.db, staff, held, int(number), talk.world.now)
    more = {"list": ["command", "proxy_pages_of", mandate]}
    return with_ways("replies/public/proxy_page_closed", {"number": int(number), "name": user.masked_name}, more)


def _what(stands: str, number: int) -> str:
    return str(number) if stands == "open" else f"appeal:{number}"
