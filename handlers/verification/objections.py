"""异议: somebody says why not; and the township, which alone hears it and by whom, decides on it."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk
from handlers.staff.reasons import stepped_aside
from handlers.staff.seat import parse, staff_of
from handlers.verification.public_notice import notices
from models.verification.case import get_case
from models.verification.decisions import adjudicate
from models.verification.objection import hear_objections


def object_(talk: Talk, reference: str = "") -> Answer:
    """异议 <号>; without a number, whom one may object to."""
    if not reference:
        return notices(talk)
    return talk.start("raise_objection", {"case": parse(reference)[1]})


def view_objections(talk: Talk, reference: str, index: str = "0") -> Answer:
    """What was said against a case, one voice at a time; the reading is recorded, and from here it is decided.

    Raises OutsideRegion, NotYourTurn or HasAPart.
    """
    number = parse(reference)[1]
    staff = staff_of(talk)
    found = hear_objections(talk.desk.db, get_case(talk.desk.db, number), staff, talk.world.now)
    at = min(int(index), len(found) - 1)
    verbs = {
        # With the newest that was there: one that comes in meanwhile is not decided unread.
        "uphold": ["command", "uphold", reference, str(found[-1].id)],
        "dismiss": ["command", "dismiss", reference, str(found[-1].id)],
    }
    if at + 1 < len(found):
        verbs["next"] = ["command", "view_objections", reference, str(at + 1)]
    options = [Option(n, "", verb) for n, verb in enumerate(verbs.values(), 1)]
    values = {
        "number": number,
        "words": found[at].words,
        "at": found[at].at,
        "place": at + 1,
        "count": len(found),
        "ways": list(enumerate(verbs, 1)),
    }
    return Answer([Say("replies/verification/objections", None, values)], options)


def uphold(talk: Talk, reference: str, seen: str = "") -> Answer:
    return _decide(talk, reference, seen, upheld=True)


def dismiss(talk: Talk, reference: str, seen: str = "") -> Answer:
    return _decide(talk, reference, seen, upheld=False)


def _decide(talk: Talk, reference: str, seen: str, *, upheld: bool) -> Answer:
    """``seen``: the newest objection that was read. Without it, or when another has come, they are shown first."""
    db, staff, number = talk.desk.db, staff_of(talk), parse(reference)[1]
    case = get_case(db, number)
    recused = stepped_aside(talk, reference)
    if recused:
        return recused
    newest = hear_objections(db, case, staff, talk.world.now, note=False)[-1].id
    if seen != str(newest):
        return view_objections(talk, reference)
    decided = adjudicate(db, case, staff, upheld, talk.world.now)
    values = {"number": number, "upheld": upheld, "count": len(decided), "until": case.notice_until}
    return Answer([Say("replies/verification/objection_decided", None, values)])
