"""看 <号>: an officer reads an appeal's file, with its owner, its flags and the possible decisions."""

from collections.abc import Mapping
from types import MappingProxyType

from flows.engine.flow import Answer
from handlers.appeals import page
from handlers.notifications import history
from handlers.public.photos import may_choose_photos
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures, sheet, ways_of
from handlers.staff.seat import find_seat
from models.appeals.file import AppealFile, open_appeal_file
from models.appeals.flag import flags_of
from models.appeals.revision import Revision, undecided_revision
from models.outreach.update import update_waiting

# Characters of a story that fit into one message: beside the rest of the file, and by themselves.
STORY_ROOM = 80
STORY_PART = 400
# Characters that the story gives up for each line that only some files have; a link is as long as two.
LINE_ROOM = 16
# The largest budget lines are shown; all stand on a page of their own.
BUDGET_LINES = 3
# How many of the most serious flags are shown, and how many on a page of their own.
FLAGS, FLAGS_PAGE = 3, 15
# Step -> the commands offered as 1, 2 …; the template names each line by its command.
DECISIONS: dict[str, tuple[str, ...]] = {
    "endorse": ("approve", "send_back", "reject"),
    "sample": ("approve", "send_back"),
    "county": ("approve", "send_back", "reject"),
    "file": ("approve", "send_back"),
    "doubt": ("stop", "sound"),
    "withdrawal": ("stop", "sound"),
    "frozen": ("go_on", "end_appeal"),
}


def show_file(talk: Talk, number: int, first: Mapping[str, list[str]] = MappingProxyType({})) -> Answer:
    """Show an appeal's file to its reviewers, and its public page to others. ``first``: commands offered first."""
    reference = f"appeal:{number}"
    file = _appeal(talk, number)
    if file is None:
        return page.appeal(talk, str(number))
    ways = {**first, **ways_of(file.task, DECISIONS, reference)}
    revision = undecided_revision(talk.turn.db, number)
    by_itself = file.hidden or file.alone
    if not by_itself:
        ways |= _to_be_read(talk, number, revision)
    paper = sheet(talk, "appeal", number, hidden=by_itself)
    lines = bool(revision) + file.unconfirmed + bool(file.reopens) + paper["no_paper"] + 2 * bool(paper["sheet"])
    lines += 2 * (file.task.step == "frozen")  # the lines of its decisions are long, and its household may be suspended
    room = STORY_ROOM - LINE_ROOM * lines
    if len(file.story) > room:
        ways["goes_on"] = ["command", "view_story", str(number), str(room)]
    if len(file.budget) > BUDGET_LINES:
        ways["budget"] = ["command", "view_budget", str(number)]
    flags = flags_of(talk.turn.db, number)
    if len(flags) > FLAGS:
        ways["flags"] = ["command", "view_flags", str(number)]
    last = None if by_itself else history.last_notification(talk, "appeal", number)
    if last and last.last:
        ways["told"] = ["command", "view_told", reference]
    if not by_itself and may_choose_photos(talk, number):
        ways["photos"] = ["command", "photos", str(number)]
    if file.case and not by_itself:
        ways["case"] = ["command", "look", f"case:{file.case}"]
    values = {
        "file": file,
        "revising": revision is not None,
        "budget": sorted(file.budget, key=lambda line: -line[1])[:BUDGET_LINES],
        "story": file.story[:room],
        "flags": flags[:FLAGS],
        "more_flags": len(flags) - FLAGS,
        **pictures(talk, "appeal", number, hidden=file.hidden),
        **paper,
        "told": last,
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, "appeal_category", "appeal_kind"),
    }
    return with_ways("replies/appeals/file", values, ways)


def _to_be_read(talk: Talk, number: int, revision: Revision | None) -> dict[str, list[str]]:
    """Lead to what its owner has sent since, and nobody has read: a revision, progress, thanks."""
    ways = {"revision": ["command", "look", f"revision:{revision.id}"]} if revision else {}
    for way, kind in (("update", "progress"), ("thanks", "thanks")):
        if update := update_waiting(talk.turn.db, number, kind):
            ways[way] = ["command", "look", f"update:{update.id}"]
    return ways


def view_story(talk: Talk, number: str, begin: str = str(STORY_ROOM)) -> Answer:
    """Show the rest of a story that did not fit into the file, a part at a time from the character ``begin``."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    end = int(begin) + STORY_PART
    ways = {"goes_on": ["command", "view_story", number, str(end)]} if end < len(file.story) else {}
    ways["case"] = ["command", "look", f"appeal:{number}"]
    return with_ways("replies/appeals/file_story", {"number": file.number, "story": file.story[int(begin) : end]}, ways)


def view_budget(talk: Talk, number: str) -> Answer:
    """Show all lines of an appeal's budget."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    return with_ways("replies/appeals/file_budget", {"case": file}, {"case": ["command", "look", f"appeal:{number}"]})


def view_flags(talk: Talk, number: str) -> Answer:
    """Show an appeal's flags, at most FLAGS_PAGE."""
    file = _appeal(talk, int(number))
    if file is None:
        return page.appeal(talk, number)
    flags = flags_of(talk.turn.db, int(number))
    values = {"number": file.number, "flags": flags[:FLAGS_PAGE], "more_flags": len(flags) - FLAGS_PAGE}
    return with_ways("replies/appeals/flags", values, {"case": ["command", "look", f"appeal:{number}"]})


def _appeal(talk: Talk, number: int) -> AppealFile | None:
    """Open the file and record the access; None for a reader who is not on the staff, or as ``open_appeal_file``."""
    staff = find_seat(talk)
    return open_appeal_file(talk.turn.db, staff, number, talk.world.now) if staff else None
