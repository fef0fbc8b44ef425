"""举报: begin a report of a thing, and bring before the county what names none.

Who is concerned never learns of a report (models.support.reported_thing, models.support.concerned).
"""

import re

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.accusation import find_accusation
from flows.language.wording import plain
from handlers.donors.messages import report_message
from handlers.routing.answers import ask_which
from handlers.routing.talk import Talk
from handlers.support import call
from models.people.user import home_of
from models.public.views import find_update
from models.staff.directory import find_member
from models.staff.member import Staff
from models.support.introduction import topic_of_ticket
from models.support.report import open_county_ticket
from models.support.reported_thing import NothingToReport, get_thing
from models.support.ticket import say_in_ticket

_WORK_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,19}")
# Of a long story, so many words are looked up that may be a work number.
_MOST_WORDS = 5
# Commands of numbered lines that show a thing or go on with it -> the kind of thing that their number is of.
_SHOWS = {
    **dict.fromkeys(("view_appeal", "pledge", "public_story", "public_budget"), "appeal"),
    **dict.fromkeys(("view_offer", "take_offer"), "offer"),
    **dict.fromkeys(("view_request", "give_requested"), "request"),
    **dict.fromkeys(("view_listing", "buy", "ask_about"), "listing"),
}
_MOST_SHOWN = 6


def report(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """举报 [号] [话]: begin a report of a thing or, by the work number, of an officer; bring anything else before the
    county. Without a number or words, ask which of the things on the screen is meant."""
    if reference.startswith("message:"):
        return report_message(talk, reference.removeprefix("message:"))
    begun = _begin(talk, reference, words) if reference else None
    if begun:
        return begun
    # Most work numbers are figures alone, and read like an appeal's number.
    member = _named_member(talk)
    if member:
        return _report_member(talk, member)
    if reference:
        return _tell_county(talk, call.words_of(talk.message))
    shown = [] if words else _on_screen(talk)
    return _ask_which(talk, shown) if shown else _tell_county(talk, words)


def report_else(talk: Talk) -> Answer:
    """Bring before the county what is about none of the things on the screen."""
    return _tell_county(talk, "")


def accused(talk: Talk) -> list[str] | None:
    """Return the arguments of ``report`` for an accusation that was typed without the command's word; None where the
    text is none. One that says nothing of what is wrong leaves that question open."""
    lexicon = talk.world.lexicon
    found = find_accusation(talk.message.text, lexicon.danger, lexicon.words["report"])
    if found is None:
        return None
    words = "" if found.bare else call.words_of(talk.message)
    return [f"appeal:{found.number}" if found.number else "", words]


def _begin(talk: Talk, reference: str, words: str) -> Answer | None:
    """Begin the report of a thing; None where there is no such thing."""
    about, number = _thing(talk, reference)
    try:
        get_thing(talk.turn.db, about, number, talk.turn.person.user_id)
    except NothingToReport:
        return None
    answers = {"words": words} if words else {}
    return talk.start("report", {"about": about, "number": number}, **answers)


def _thing(talk: Talk, reference: str) -> tuple[str, int]:
    """Split a reference; ``updates_of:6`` is the newest update of appeal 6 (举报 进展 6)."""
    about, _, number = reference.partition(":")
    if about != "updates_of":
        return about, int(number)
    newest = find_update(talk.turn.db, int(number))
    return ("update", newest.number) if newest and newest.number else ("appeal", int(number))


def _on_screen(talk: Talk) -> list[str]:
    """List the references of the things that the numbered lines on the screen are about."""
    found = []
    for option in talk.session.choices:
        match option.do:
            case ["command", "report", reference]:
                found.append(reference)
            case ["command", name, number, *_] if name in _SHOWS and number.isdigit():
                found.append(f"{_SHOWS[name]}:{number}")
    return list(dict.fromkeys(found))[:_MOST_SHOWN]


def _ask_which(talk: Talk, shown: list[str]) -> Answer:
    things = []
    for reference in shown:
        about, _, number = reference.partition(":")
        try:
            things.append(get_thing(talk.turn.db, about, int(number), talk.turn.person.user_id))
        except NothingToReport:
            continue
    if not things:
        return _tell_county(talk, "")
    answer = ask_which("replies/support/which_to_report", things, lambda one: ["report", f"{one.about}:{one.number}"])
    answer.options.append(Option(len(things) + 1, "", ["command", "report_else"]))
    return answer


def _named_member(talk: Talk) -> Staff | None:
    """Find the officer whose work number the text has, whatever their state; None without."""
    for word in _WORK_NUMBER.findall(talk.message.text)[:_MOST_WORDS]:
        if member := find_member(talk.turn.db, word):
            return member
    return None


def _report_member(talk: Talk, member: Staff) -> Answer:
    said = call.words_of(talk.message)
    bare = re.sub(re.escape(member.work_no), "", said, flags=re.IGNORECASE)
    for word in talk.world.lexicon.words["report"]:
        bare = bare.replace(word, "")
    answers = {"words": said} if plain(bare) else {}
    return talk.start("report", {"about": "staff", "number": member.id}, kind="staff", **answers)


def _tell_county(talk: Talk, words: str) -> Answer:
    """Open the ticket, keep the words in it, and let what the person says next follow them."""
    db, now = talk.turn.db, talk.world.now
    home = home_of(db, talk.turn.person.user_id)
    ticket = open_county_ticket(db, talk.turn.person.conversation_id, home, now)
    if words:
        say_in_ticket(db, ticket.id, words, now)
    parked = talk.engine.park(talk.session)
    talk.session.ticket = ticket.id
    values = {
        "number": ticket.id,
        "topic": topic_of_ticket(db, ticket),
        "due": ticket.due_at if ticket.due_at > now else None,
        "said": bool(words),
        "parked": parked is not None,
    }
    return Answer([Say("replies/support/county_called", None, values)])
