"""Officers read the correction of a name and decide on it."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.rights import name_change
from models.rights.name_change import SUBJECT, NoSuchNameChange
from models.staff.member import Staff


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchNameChange."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchNameChange(number=number)
    file = name_change.open_name_change(talk.turn.db, staff, number, talk.world.now)
    decisions = ("approve", "send_back") if file.task.mine else ()
    ways = {name: ["command", name, f"{SUBJECT}:{number}"] for name in decisions}
    return with_ways("replies/rights/name_file", {"file": file}, ways)


def must_read_first(talk: Talk, _command: str, number: int) -> Answer | None:
    """Show the file instead of deciding, where the officer has not read it; else None.

    Raises NoSuchNameChange, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    db, staff = talk.turn.db, staff_of(talk)
    name_change.check_decidable(db, staff, number)
    return None if name_change.is_read(db, staff, number) else show_file(talk, number)


def approve(talk: Talk, number: int) -> Answer:
    name_change.approve(talk.turn.db, staff_of(talk), number, talk.world.now)
    return _decided(number, approved=True)


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    name_change.send_back(talk.turn.db, staff, number, reasons, talk.world.now)
    return _decided(number, approved=False)


def _decided(number: int, *, approved: bool) -> Answer:
    return Answer([Say("replies/rights/name_decided", None, {"number": number, "approved": approved})])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    queue_line=lambda _db, number: (["look", f"{SUBJECT}:{number}"], {}),
    must_read_first=must_read_first,
    approve=approve,
    reasoned={"send_back": ReasonedDecision("name_reason", send_back)},
    check=lambda talk, staff, _command, number: name_change.check_decidable(talk.turn.db, staff, number),
)
