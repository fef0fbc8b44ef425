"""看 举报3, 举报属实, 举报不实: officers read what was reported, and decide on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from handlers.staff.todo import todo
from models.core.state_machine import By
from models.staff.member import Staff
from models.support import inquiry_desk
from models.support.inquiry import Inquiry, NoSuchInquiry
from models.support.inquiry_outcome import UPHELD

# How many bytes of reports are shown at once, and how many characters one piece of a report has at most.
ROOM = 900
PIECE = 100
# The bytes of a report's line beside its words: its day, kind and pictures.
_LABEL = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a report that fits. ``place``: the report's number and which of its pieces it is (``12-0``)."""

    place: str
    report: inquiry_desk.ReportLine
    first: bool
    words: str


def show_file(talk: Talk, number: int, place: str = "") -> Answer:
    """Show an inquiry with as many of its reports as fit, whole, and the decisions that the officer may take.

    ``place``: of the first piece that is shown; without it, the newest report's. Raises NoSuchInquiry.
    """
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchInquiry(number=number)
    newest = int(place.partition("-")[0]) if place else None
    file = inquiry_desk.open_inquiry(talk.turn.db, staff, number, talk.world.now, newest)
    pieces = [piece for report in file.reports for piece in _pieces(report)]
    pieces = list(dropwhile(lambda piece: bool(place) and piece.place != place, pieces)) or pieces
    shown = _fitting(pieces)
    reference = f"inquiry:{number}"
    ways = {f"uphold_{outcome}": ["command", f"uphold_{outcome}", reference] for outcome in file.possible}
    if file.task.mine:
        if staff.role == By.TOWNSHIP:
            ways["pass_report"] = ["command", "pass_report", str(number)]
        ways["dismiss_report"] = ["command", "dismiss_report", reference]
    if len(shown) < len(pieces):
        ways["older"] = ["command", "view_reports", str(number), pieces[len(shown)].place]
    thing = file.thing
    if thing.about != "staff":
        ways["thing"] = ["command", "look", f"{thing.about}:{thing.number}"]
    values = {"file": file, "pieces": shown, "later": bool(place), **pictures(talk, "inquiry", number)}
    return with_ways("replies/support/inquiry", values, ways)


def view_reports(talk: Talk, number: str, place: str) -> Answer:
    """Show the reports from this piece of one on."""
    return show_file(talk, int(number), place)


def _pieces(report: inquiry_desk.ReportLine) -> list[Piece]:
    """Cut a report into pieces. Its words are one line, since a second one could be mistaken for a line of ours."""
    words = " ".join(report.words.split())
    starts = range(0, max(len(words), 1), PIECE)
    return [Piece(f"{report.number}-{n}", report, n == 0, words[at : at + PIECE]) for n, at in enumerate(starts)]


def _fitting(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the first of them that fit into ROOM. Of PAGE reports the last is not begun: another may follow it."""
    last = pieces[-1].report.number if len({piece.report.number for piece in pieces}) == inquiry_desk.PAGE else None
    shown: list[Piece] = []
    room = ROOM
    for piece in pieces:
        room -= len(piece.words.encode()) + _LABEL * piece.first
        if shown and (room < 0 or piece.report.number == last):
            break
        shown.append(piece)
    return shown


def uphold(talk: Talk, number: str = "", _words: str = "") -> Answer:
    """举报属实 <号>: show the file, whose numbered lines say what may be done."""
    return show_file(talk, int(number)) if number else todo(talk)


def dismiss(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """举报不实 <号> [理由]: decide that a report was not right; with no reason, ask for it."""
    if not reference:
        return todo(talk)
    return decide(talk, "dismiss_report", reference if ":" in reference else f"inquiry:{reference}", words)


def pass_to_county(talk: Talk, number: str) -> Answer:
    """The township found something in it, and the county decides. Raises NoSuchInquiry."""
    first = _read_first(talk, int(number))
    if first:
        return first
    inquiry = inquiry_desk.pass_to_county(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    return _decided(inquiry)


def decide(talk: Talk, command: str, reference: str, words: str = "") -> Answer:
    """Decide with a reason, once the officer has read all reports. Raises NoSuchInquiry first of all: with another
    refusal, one of the concerned would learn that there is a report."""
    number = int(reference.partition(":")[2])
    return _read_first(talk, number) or with_reasons(talk, command, reference, words)


def upholds(outcome: str) -> Callable[..., Answer]:
    """Make the command of a numbered line that upholds the reports with this outcome."""
    return lambda talk, reference, words="": decide(talk, f"uphold_{outcome}", reference, words)


def _read_first(talk: Talk, number: int) -> Answer | None:
    db, staff = talk.turn.db, staff_of(talk)
    inquiry_desk.demand_decidable(db, staff, number)
    if inquiry_desk.has_read_reports(db, staff, number):
        return None
    answer = show_file(talk, number)
    answer.says.insert(0, Say("replies/support/read_report_first"))
    return answer


def _uphold(outcome: str, talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(inquiry_desk.uphold(talk.turn.db, staff, number, outcome, reasons, talk.world.now))


def _dismiss(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(inquiry_desk.dismiss(talk.turn.db, staff, number, reasons, talk.world.now))


def _decided(inquiry: Inquiry) -> Answer:
    values = {"number": inquiry.id, "state": inquiry.state, "outcome": inquiry.outcome}
    return Answer([Say("replies/support/inquiry_decided", None, values)])


ACTIONS = SubjectActions(
    "inquiry",
    show_file,
    # The line names nothing: it may stand in the pool of somebody who is concerned from today on.
    queue_line=lambda _db, number: (["look", f"inquiry:{number}"], {}),
    reasoned={
        "dismiss_report": ReasonedDecision("report_dismissed_reason", _dismiss),
        **{
            f"uphold_{outcome}": ReasonedDecision("report_upheld_reason", partial(_uphold, outcome))
            for outcome in UPHELD
        },
    },
    check=lambda talk, staff, _command, number: inquiry_desk.demand_decidable(talk.turn.db, staff, number),
)
