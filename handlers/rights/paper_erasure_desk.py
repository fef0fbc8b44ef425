"""看 注销3, 停止注销 3: officers read an erasure that was asked for on paper, decide on it, and stop it."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.rights.erasure import paper_desk as desk
from models.rights.erasure.paper import SUBJECT, PaperErasure
from models.rights.erasure.paper_desk import NoSuchPaperErasure
from models.staff.file_access import has_read
from models.staff.member import Staff


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchPaperErasure."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchPaperErasure(number=number)
    file = desk.open_paper_erasure(talk.turn.db, staff, number, talk.world.now)
    decisions = ("approve", "send_back") if file.task.mine else ()
    ways = {name: ["command", name, f"{SUBJECT}:{number}"] for name in decisions}
    if file.stoppable:
        ways["stop"] = ["command", "stop_paper_erasure", str(number)]
    return with_ways("replies/rights/paper_file", {"file": file, **pictures(talk, SUBJECT, number)}, ways)


def must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Raises NoSuchPaperErasure, OutsideRegion, NotYourTurn, NotIdentified or HasConflict."""
    db, staff = talk.turn.db, staff_of(talk)
    desk.check_decidable(db, staff, number)
    demand = partial(desk.demand_pictures_opened, db, staff, number) if command == "approve" else None
    return opened_first(partial(show_file, talk, number), is_read=has_read(db, staff, SUBJECT, number), demand=demand)


def approve(talk: Talk, number: int) -> Answer:
    return _moved(desk.confirm(talk.turn.db, staff_of(talk), number, talk.world.now))


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _moved(desk.send_back(talk.turn.db, staff, number, reasons, talk.world.now))


def stop(talk: Talk, number: str = "") -> Answer:
    """停止注销 <号>: stop an erasure on paper at the person's word. Without a number, say how to find it.

    One that waits for its seven days stands in no queue.

    Raises NoSuchPaperErasure or WrongState.
    """
    if not number:
        return Answer([Say("replies/rights/which_paper_erasure")])
    return _moved(desk.stop(talk.turn.db, staff_of(talk), int(number), talk.world.now))


def _moved(paper: PaperErasure) -> Answer:
    values = {"number": paper.id, "state": paper.state, "until": paper.until}
    return Answer([Say("replies/rights/paper_moved", None, values)])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    queue_line=lambda _db, number: (["look", f"{SUBJECT}:{number}"], {}),
    must_read_first=must_read_first,
    approve=approve,
    reasoned={"send_back": ReasonedDecision("sheet_reason", send_back)},
    check=lambda talk, staff, _command, number: desk.check_decidable(talk.turn.db, staff, number),
)
