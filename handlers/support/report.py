"""举报: bring reports before the county, and say by when it answers.

Officers below the county never see them, nor does who is concerned in what is reported (models.support.concerned).
"""

import re

from flows.engine.flow import Answer, Say
from flows.language.accusation import find_accusation
from handlers.routing.talk import Talk
from handlers.support import call
from models.appeals.appeal import Appeal
from models.people.user import home_of
from models.staff.directory import find_member
from models.staff.member import Staff
from models.support.introduction import topic_of_ticket
from models.support.report import open_county_ticket
from models.support.ticket import say_in_ticket
from models.verification.case import Verification

_WORK_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,19}")
# Of a long story, so many words are looked up that may be a work number.
_MOST_WORDS = 5


def report(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """举报 [号] [话]: report a thing, an officer by the work number, or anything else, and keep the words."""
    thing = _thing(talk, reference) if reference else None
    member = _named_member(talk) if thing is None else None
    if member:
        return _report_member(talk, member)
    region = thing.region_code if thing else _home(talk)
    said = call.words_of(talk.message) if reference else words
    return _open(talk, region, thing=reference if thing else None, words=said)


def _thing(talk: Talk, reference: str) -> Appeal | Verification | None:
    subject, _, number = reference.partition(":")
    db = talk.turn.db
    return db.get(Appeal, int(number)) if subject == "appeal" else db.get(Verification, int(number))


def accused(talk: Talk) -> Answer | None:
    """Bring an accusation before the county that was typed without a command's word; None where the text is none."""
    lexicon = talk.world.lexicon
    found = find_accusation(talk.message.text, lexicon.danger, lexicon.words["report"])
    if found is None:
        return None
    appeal = talk.turn.db.get(Appeal, found.number) if found.number else None
    member = _named_member(talk) if appeal is None else None
    if member:
        return _report_member(talk, member)
    region = appeal.region_code if appeal else _home(talk)
    return _open(talk, region, thing=f"appeal:{appeal.id}" if appeal else None, words=call.words_of(talk.message))


def _named_member(talk: Talk) -> Staff | None:
    """Find the officer whose work number the text has, whatever their state; None without."""
    for word in _WORK_NUMBER.findall(talk.message.text)[:_MOST_WORDS]:
        if member := find_member(talk.turn.db, word):
            return member
    return None


def _report_member(talk: Talk, member: Staff) -> Answer:
    said = call.words_of(talk.message)
    return _open(talk, member.region_code, thing=f"staff:{member.id}", words=said)


def _open(talk: Talk, region: str | None, *, thing: str | None, words: str) -> Answer:
    """Open the ticket, keep the words in it, and let what the person says next follow them."""
    db, now = talk.turn.db, talk.world.now
    ticket = open_county_ticket(db, talk.turn.person.conversation_id, "report", region, now, thing)
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


def _home(talk: Talk) -> str | None:
    return home_of(talk.turn.db, talk.turn.person.user_id)
