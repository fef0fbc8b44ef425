"""异议: a person objects to a notice, and the township, which alone reads objections, decides."""

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.reasons import recuse_first
from handlers.staff.seat import parse_reference, staff_of
from handlers.verification.public_notice import notices
from models.verification.case import lock_case
from models.verification.decisions import adjudicate
from models.verification.objection import demand_objections


def start_objection(talk: Talk, reference: str = "") -> Answer:
    """异议 <号>: start an objection; without a number, list the households on notice."""
    if not reference:
        return notices(talk)
    return talk.start("raise_objection", {"case": parse_reference(reference)[1]})


def view_objections(talk: Talk, reference: str, index: str = "0") -> Answer:
    """Show a case's objections one at a time, with the ways to decide, and record the access.

    Raises OutsideRegion, NotYourTurn or HasConflict.
    """
    number = parse_reference(reference)[1]
    staff = staff_of(talk)
    found = demand_objections(talk.turn.db, lock_case(talk.turn.db, number), staff, talk.world.now)
    at = min(int(index), len(found) - 1)
    ways = {
        # The newest objection shown goes along: one that comes in meanwhile must not be decided unread.
        "uphold": ["command", "uphold", reference, str(found[-1].id)],
        "dismiss": ["command", "dismiss", reference, str(found[-1].id)],
    }
    if at + 1 < len(found):
        ways["next"] = ["command", "view_objections", reference, str(at + 1)]
    values = {
        "number": number,
        "words": found[at].words,
        "at": found[at].at,
        "place": at + 1,
        "count": len(found),
    }
    return with_ways("replies/verification/objections", values, ways)


def uphold(talk: Talk, reference: str, seen: str = "") -> Answer:
    return _decide(talk, reference, seen, upheld=True)


def dismiss(talk: Talk, reference: str, seen: str = "") -> Answer:
    return _decide(talk, reference, seen, upheld=False)


def _decide(talk: Talk, reference: str, seen: str, *, upheld: bool) -> Answer:
    """Decide on all open objections. ``seen``: the newest one read; if it is not the newest, they are shown again."""
    db, staff, number = talk.turn.db, staff_of(talk), parse_reference(reference)[1]
    case = lock_case(db, number)
    recused = recuse_first(talk, reference)
    if recused:
        return recused
    newest = demand_objections(db, case, staff, talk.world.now, note=False)[-1].id
    if seen != str(newest):
        return view_objections(talk, reference)
    decided = adjudicate(db, case, staff, upheld, talk.world.now)
    over = case.notice_until is not None and case.notice_until <= talk.world.now
    values = {"number": number, "upheld": upheld, "count": len(decided), "until": case.notice_until, "over": over}
    return Answer([Say("replies/verification/objection_decided", None, values)])
