"""看 号码3: two of the county read the claim of an ID number and decide on it."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.rights import number_claim_desk as desk
from models.rights.number_claim import SUBJECT, NumberClaim
from models.rights.number_claim_desk import NoSuchClaim
from models.staff.file_access import has_read
from models.staff.member import Staff


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchClaim."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchClaim(number=number)
    file = desk.open_claim(talk.turn.db, staff, number, talk.world.now)
    decisions = ("approve", "send_back") if file.task.mine else ()
    ways = {name: ["command", name, f"{SUBJECT}:{number}"] for name in decisions}
    return with_ways("replies/rights/claim_file", {"file": file, **pictures(talk, SUBJECT, number)}, ways)


def must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Raises NoSuchClaim, NotYourTurn, NotIdentified or HasConflict."""
    db, staff = talk.turn.db, staff_of(talk)
    desk.check_decidable(db, staff, number)
    demand = partial(desk.demand_pictures_opened, db, staff, number) if command == "approve" else None
    return opened_first(partial(show_file, talk, number), is_read=has_read(db, staff, SUBJECT, number), demand=demand)


def approve(talk: Talk, number: int) -> Answer:
    return _decided(desk.approve(talk.turn.db, staff_of(talk), number, talk.world.now))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(desk.send_back(talk.turn.db, staff, number, reasons, talk.world.now))


def _decided(made: NumberClaim) -> Answer:
    return Answer([Say("replies/rights/claim_decided", None, {"number": made.id, "state": made.state})])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    queue_line=lambda _db, number: (["look", f"{SUBJECT}:{number}"], {}),
    must_read_first=must_read_first,
    approve=approve,
    reasoned={"send_back": ReasonedDecision("claim_reason", send_back)},
    check=lambda talk, staff, _command, number: desk.check_decidable(talk.turn.db, staff, number),
)
