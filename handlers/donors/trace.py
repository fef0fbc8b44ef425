"""查 <code>: trace one gift's money for anyone who has its code, with the same facts as the trace page."""

from sqlalchemy import select

from flows.engine.flow import Answer, Say
from flows.readers.words.gift_code import GiftCode, read_code
from handlers.giving.pledge import unpaid_link
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.talk import Talk
from models.core.audit_trail import record
from models.donors.trace import Trace, find_trace, is_gift_of
from models.giving.pledge import UNPAID, Pledge
from models.people.erased_phone import tries_from_phone
from models.public.catalogue import own_pledges

MOST_TRIES = 8
# How many of the newest steps the answer shows; the page has them all.
MOST_STEPS = 5
_PURPOSE = "trace"


def trace(talk: Talk, said: str = "") -> Answer:
    """查 <code>: show a gift's trace; without a code, list the newest of one's own gifts.

    After MOST_TRIES wrong codes in a day, only the person's own gifts are shown.
    """
    if not said:
        return _which(talk)
    code = read_code(said)
    if not code.fits:
        return _say("replies/donors/trace_misread", code=code)
    db, person, now = talk.turn.db, talk.turn.person, talk.world.now
    if not _is_own(talk, code) and tries_from_phone(db, _PURPOSE, person.conversation_id, now) >= MOST_TRIES:
        return _say("replies/donors/trace_unknown", code=code, most=MOST_TRIES, stopped=True)
    found = find_trace(db, code.read)
    if found is None:
        _count(talk)
        return _say("replies/donors/trace_unknown", code=code, most=MOST_TRIES, stopped=False)
    return _show(talk, found)


def where_money_goes(talk: Talk) -> Answer:
    """Trace a donor's only gift, or list several; lead everybody else to the public ledger and the appeals."""
    user_id = talk.turn.person.user_id
    own = own_pledges(talk.turn.db, user_id, None).items if user_id else []
    if len(own) == 1:
        return trace(talk, own[0].code)
    if own:
        return _which(talk)
    ways = {"ledger": ["command", "public_ledger"], "appeals": ["command", "browse_appeals"]}
    return with_ways("replies/donors/where_money_goes", {}, ways)


def _show(talk: Talk, found: Trace) -> Answer:
    ways = {"appeal": ["command", "view_appeal", str(found.appeal)]}
    unpaid = _own_unpaid(talk, found)
    if unpaid:
        ways["let_go"] = ["command", "let_go", found.code]
    values = {
        "pay": unpaid_link(talk, unpaid) if unpaid else "",
        "trace": found,
        "steps": found.steps[-MOST_STEPS:],
        "earlier": len(found.steps) > MOST_STEPS,
        "link": talk.world.link("trace", found.code),
    }
    return with_ways("replies/donors/trace", values, ways)


def _own_unpaid(talk: Talk, found: Trace) -> Pledge | None:
    """Return the person's own pledge, where it is promised and not paid; else None."""
    user_id = talk.turn.person.user_id
    own = (Pledge.code == found.code) & (Pledge.donor_id == user_id)
    return talk.turn.db.scalar(select(Pledge).where(own)) if found.state in UNPAID and user_id else None


def _which(talk: Talk) -> Answer:
    user_id = talk.turn.person.user_id
    own = own_pledges(talk.turn.db, user_id, None).items if user_id else []
    return ask_which("replies/donors/which_trace", own, lambda gift: ["trace", gift.code])


def _is_own(talk: Talk, code: GiftCode) -> bool:
    user_id = talk.turn.person.user_id
    return user_id is not None and is_gift_of(talk.turn.db, code.read, user_id)


def _count(talk: Talk) -> None:
    """Count a wrong code. The caller then answers without a Refusal, which would roll the count back."""
    person = talk.turn.person.conversation_id
    record(
        talk.turn.db,
        at=talk.world.now,
        actor=f"conversation:{person}",
        action="wrong_code",
        subject=_PURPOSE,
        subject_id=person,
    )


def _say(reply: str, **values: object) -> Answer:
    return Answer([Say(reply, None, values)], outcome=reply.rpartition("/")[2])
