"""Revisions: owners begin one, officers compare the old and the new and decide."""

from collections.abc import Sequence

from flows.appeals import revise_appeal
from flows.appeals.flagging import flag_appeal
from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.reasons import recuse_first, with_reasons
from handlers.staff.seat import find_seat, parse_reference, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.appeals import revision_review
from models.appeals.appeal import Appeal
from models.appeals.revision import undecided_revision
from models.appeals.revision_review import NoSuchRevision, RevisionFile
from models.staff.member import Staff

# Characters of a story in one message: beside the other facts, and by itself.
STORY_ROOM = 150
STORY_PART = 400


def begin(talk: Talk, appeal: Appeal) -> Answer:
    """Begin the owner's revision of a live appeal, with what they last wanted as answers. Raises CannotChange."""
    answers = revise_appeal.answers_of(talk.turn, appeal.id)
    answer = talk.start("revise_appeal", {"revises": appeal.id}, **answers)
    if answer.outcome in ("asked", "reviewing"):
        waiting = undecided_revision(talk.turn.db, appeal.id) is not None
        answer.says.insert(0, Say("replies/appeals/revise", None, {"number": appeal.id, "waiting": waiting}))
    return answer


def show_file(talk: Talk, number: int) -> Answer:
    """Show a revision beside what is public, with the possible decisions. Raises NoSuchRevision."""
    file = _file(talk, number)
    reference = f"revision:{number}"
    names = ("approve_revision", "reject_revision") if file.task.mine else ()
    ways = {name: ["command", name, reference] for name in names}
    same = file.story == file.new_story
    if not same and len(file.new_story) > STORY_ROOM:
        ways["goes_on"] = ["command", "revision_story", str(number), "new", str(STORY_ROOM)]
    if not same:
        ways["old"] = ["command", "revision_story", str(number), "old"]
    ways["appeal"] = ["command", "look", f"appeal:{file.appeal}"]
    values = {
        "file": file,
        "same_story": same,
        "story": file.new_story[:STORY_ROOM],
        "cut": len(file.new_story) > STORY_ROOM,
        "link": talk.world.link("pictures", f"appeal:{file.appeal}"),
    }
    return with_ways("replies/appeals/revision", values, ways)


def story(talk: Talk, number: str, which: str, begin_at: str = "0") -> Answer:
    """Show the new or the old story, a part at a time. Raises NoSuchRevision."""
    file = _file(talk, int(number))
    words = file.story if which == "old" else file.new_story
    end = int(begin_at) + STORY_PART
    ways = {"goes_on": ["command", "revision_story", number, which, str(end)]} if end < len(words) else {}
    ways["revision"] = ["command", "look", f"revision:{number}"]
    values = {"number": int(number), "old": which == "old", "part": words[int(begin_at) : end], "cut": end < len(words)}
    return with_ways("replies/appeals/revision_story", values, ways)


def approve(talk: Talk, reference: str) -> Answer:
    return recuse_first(talk, reference) or _approve(talk, reference)


def reject(talk: Talk, reference: str, words: str = "") -> Answer:
    """Reject a revision; asks for the reason first."""
    return with_reasons(talk, "reject_revision", reference, words)


def _approve(talk: Talk, reference: str) -> Answer:
    appeal, dropped = revision_review.approve(
        talk.turn.db, staff_of(talk), parse_reference(reference)[1], talk.world.now
    )
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    flag_appeal(talk.turn, appeal)
    return _decided(appeal, approved=True)


def _reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    appeal, dropped = revision_review.reject(talk.turn.db, staff, number, reasons, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    return _decided(appeal, approved=False)


def _decided(appeal: Appeal, *, approved: bool) -> Answer:
    return Answer([Say("replies/appeals/revision_decided", None, {"number": appeal.id, "approved": approved})])


def _file(talk: Talk, number: int) -> RevisionFile:
    staff = find_seat(talk)
    file = revision_review.open_revision_file(talk.turn.db, staff, number, talk.world.now) if staff else None
    if file is None:
        raise NoSuchRevision(number=number)
    return file


ACTIONS = SubjectActions(
    "revision", show_file, reasoned={"reject_revision": ReasonedDecision("revision_reason", _reject)}
)
