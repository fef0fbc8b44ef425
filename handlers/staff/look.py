"""看 <号> as staff see it: an appeal or a verification case with who asked, what was found, and what may be decided."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flows.engine.flow import Answer
from handlers.appeals import page, revisions
from handlers.disbursements import desk
from handlers.donors import messages
from handlers.notifications import history
from handlers.outreach import updates
from handlers.payments import refunds
from handlers.public import catalogue
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse
from models.appeals.file import AppealFile, open_appeal
from models.appeals.flag import flags_of
from models.appeals.revision import waiting_for
from models.core.state_machine import By
from models.outreach.update import update_waiting
from models.oversight.pictures import count_pictures
from models.proxy.mandate import sheet_of
from models.staff.desk_review import Stage
from models.verification.case import NoSuchCase, Verification
from models.verification.file import CaseFile, open_case

# Characters of a story that fit into one message: beside the case, and by themselves.
STORY_ROOM = 90
STORY_PART = 400
# The largest; the others stand on a page of their own.
BUDGET_LINES = 3
# Those that weigh most; and how many fit on a page of their own.
FLAGS, FLAGS_PAGE = 3, 15
# Step -> what may be said to it by the numbers 1, 2 …: the command, and the name under which the template says it.
DECISIONS: dict[str, tuple[str, ...]] = {
    "visit": ("visit",),
    # Nobody decides on words that they have not read.
    "adjudicate": ("view_objections",),
    "township_review": ("approve", "send_back"),
    "county_review": ("approve", "send_back", "reject"),
    "endorse": ("approve", "send_back", "reject"),
    "sample": ("approve", "send_back"),
    "county": ("approve", "send_back", "reject"),
    "file": ("approve", "send_back"),
    "doubt": ("stop", "sound"),
    "frozen": ("go_on", "end_appeal"),
    "suspended": ("go_on", "revoke_case"),
}
# Where the visit did not find a household in need, nobody verifies it: another name for passing it on, and no pass.
_NOT_IN_NEED: dict[str, dict[str, str]] = {
    "township_review": {"agree": "approve", "send_back": "send_back"},
    "county_review": {"turn_down": "reject", "send_back": "send_back"},
}


def look(talk: Talk, reference: str = "") -> Answer:
    """看 <号>: what everybody may see; staff of the region see the case with who asked."""
    if not reference:
        return catalogue.appeals(talk)
    subject, number = parse(reference)
    if subject == "revision":
        return revisions.look_at(talk, number)
    if subject == "update":
        return updates.look_at(talk, number)
    if subject == "message":
        return messages.look_at(talk, number)
    if subject == "disbursement":
        return desk.look_at(talk, number)
    if subject == "refund":
        return refunds.view_refund(talk, str(number))
    return look_with(talk, reference, {})


def look_with(talk: Talk, reference: str, first: Mapping[str, list[str]]) -> Answer:
    """At an appeal or a case. ``first``: what may be done here before everything else."""
    subject, number = parse(reference)
    if subject == "case":
        return _look_at_case(talk, number, first)
    file = _appeal(talk, number)
    if file is None:
        return page.appeal(talk, str(number))
    ways = {**first, **_decisions(file.stage, reference)}
    revision = waiting_for(talk.desk.db, number)
    if revision and not file.hidden:
        ways["revision"] = ["command", "look", f"revision:{revision.id}"]
    for way, kind in (("update", "progress"), ("thanks", "thanks")):
        update = update_waiting(talk.desk.db, number, kind)
        if update and not file.hidden:
            ways[way] = ["command", "look", f"update:{update.id}"]
    if len(file.story) > STORY_ROOM:
        ways["goes_on"] = ["command", "view_story", str(number), str(STORY_ROOM)]
    if len(file.budget) > BUDGET_LINES:
        ways["budget"] = ["command", "view_budget", str(number)]
    flags = flags_of(talk.desk.db, number)
    if len(flags) > FLAGS:
        ways["flags"] = ["command", "view_flags", str(number)]
    last = None if file.hidden else history.newest(talk, "appeal", number)
    if last and last.last:
        ways["told"] = ["command", "view_told", reference]
    if file.case and not file.hidden:
        ways["case"] = ["command", "look", f"case:{file.case}"]
    values = {
        "file": file,
        "revising": revision is not None,
        "budget": sorted(file.budget, key=lambda line: -line[1])[:BUDGET_LINES],
        "story": file.story[:STORY_ROOM],
        "flags": flags[:FLAGS],
        "more_flags": len(flags) - FLAGS,
        **_pictures(talk, "appeal", number, hidden=file.hidden),
        **_sheet(talk, "appeal", number, hidden=file.hidden),
        "told": last,
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, "appeal_category", "appeal_kind"),
    }
    return with_ways("replies/appeals/file", values, ways)


def view_story(talk: Talk, number: str, begin: str = str(STORY_ROOM)) -> Answer:
    """What did not fit into the look at a case, a part at a time from the character ``begin``."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    end = int(begin) + STORY_PART
    ways = {"goes_on": ["command", "view_story", number, str(end)]} if end < len(file.story) else {}
    ways["case"] = ["command", "look", f"appeal:{number}"]
    return with_ways("replies/appeals/file_story", {"number": file.number, "story": file.story[int(begin) : end]}, ways)


def view_budget(talk: Talk, number: str) -> Answer:
    """All lines of a case's budget."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    return with_ways("replies/appeals/file_budget", {"case": file}, {"case": ["command", "look", f"appeal:{number}"]})


def view_flags(talk: Talk, number: str) -> Answer:
    """All that an appeal should be looked at twice for."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    flags = flags_of(talk.desk.db, int(number))
    values = {"number": file.number, "flags": flags[:FLAGS_PAGE], "more_flags": len(flags) - FLAGS_PAGE}
    return with_ways("replies/appeals/flags", values, {"case": ["command", "look", f"appeal:{number}"]})


def _look_at_case(talk: Talk, number: int, first: Mapping[str, list[str]]) -> Answer:
    staff = find_seat(talk)
    file = open_case(talk.desk.db, staff, number, talk.world.now) if staff else None
    if file is None or staff is None:
        raise NoSuchCase(number=number)
    ways = {**first, **_decisions(file.stage, f"case:{number}", _NOT_IN_NEED if file.supports is False else {})}
    if staff.role == By.COUNTY and file.state in ("verified", "rejected"):
        ways |= _standing_ways(file)
    if file.visited_at:
        ways["view_visit"] = ["command", "view_visit", f"case:{number}"]
    last = history.newest(talk, "case", number)
    if last.last:
        ways["told"] = ["command", "view_told", f"case:{number}"]
    values = {
        "file": file,
        "told": last,
        **_pictures(talk, "case", number),
        **_sheet(talk, "user", talk.desk.db.get_one(Verification, number).user_id),
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, "case_reject_reason", "case_return_reason", "freeze_reason"),
    }
    return with_ways("replies/verification/file", values, ways)


def _pictures(talk: Talk, subject: str, number: int, *, hidden: bool = False) -> dict[str, Any]:
    """How many pictures there are, and where: nowhere for who may not look at them."""
    count = 0 if hidden else count_pictures(talk.desk.db, subject, number)
    return {"pictures": count, "link": talk.world.link("pictures", f"{subject}:{number}") if count else ""}


def _sheet(talk: Talk, subject: str, number: int, *, hidden: bool = False) -> dict[str, Any]:
    """Where the signed sheet is to be seen by which somebody else wrote it down, or that there is none (any more)."""
    found = None if hidden else sheet_of(talk.desk.db, subject, number)
    link = _pictures(talk, "mandate", found[0])["link"] if found else ""
    return {"sheet": link, "no_paper": found is not None and not found[1]}


def _standing_ways(file: CaseFile) -> dict[str, list[str]]:
    """What a county may do about a household that was verified, or rejected and heard."""
    reference = f"case:{file.number}"
    if file.state == "rejected":
        return {"send_back": ["command", "send_back", reference]}
    return {"stop": ["command", "stop", reference]}


def _decisions(
    stage: Stage, reference: str, instead: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> dict[str, list[str]]:
    """What this one may decide now, so that the queue, the thing and the decision are three numbers."""
    if not stage.mine:
        return {}
    names = instead.get(stage.step) or {name: name for name in DECISIONS.get(stage.step, ())}
    return {name: ["command", command, reference] for name, command in names.items()}


def _appeal(talk: Talk, number: int) -> AppealFile | None:
    """None for who is no staff member, or not of this region."""
    staff = find_seat(talk)
    return open_appeal(talk.desk.db, staff, number, talk.world.now) if staff else None
