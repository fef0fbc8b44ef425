"""看 单位3: the county reads an organisation with who asks to speak for it, and decides; it may stop one."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.market.in_name import ORDERS_LEFT, orders_left, settle
from models.organisations import desk
from models.organisations.organisation import SUBJECT, NoSuchOrganisation
from models.staff.member import Staff

# What the county may do beside its task, by the organisation's state: a way's name -> its command.
_BESIDE = {
    "confirmed": {"stop": "stop"},
    "suspended": {"go_on": "go_on", "dissolve": "dissolve_organisation"},
}
# Command -> the state to which it brings an organisation.
_STOPS = {"stop": "suspended", "dissolve_organisation": "dissolved"}


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchOrganisation."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchOrganisation(number=number)
    file = desk.open_organisation(talk.turn.db, staff, number, talk.world.now)
    ways = {}
    if file.asks and file.task.mine:
        ways = {name: ["command", name, f"{SUBJECT}:{number}"] for name in ("approve", "send_back")}
    left: Sequence[str] = ()
    if file.task.step == ORDERS_LEFT and file.task.mine:
        left = orders_left(talk.turn.db, file.household)
        ways["settled"] = ["command", "approve", f"{SUBJECT}:{number}"]
    for name, command in _BESIDE.get(file.state, {}).items():
        ways[name] = ["command", command, f"{SUBJECT}:{number}"]
    values = {"file": file, "left": left, "labels": labels(talk.world.lexicon, "organisation_kind")}
    return with_ways("replies/organisations/file", {**values, **pictures(talk, SUBJECT, number)}, ways)


def must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Raises NoSuchOrganisation, NotYourTurn, NotIdentified or HasConflict."""
    db, staff = talk.turn.db, staff_of(talk)
    desk.check_decidable(db, staff, number)
    letter = command == "approve" and desk.step_of(db, number) != ORDERS_LEFT
    demand = partial(desk.demand_pictures_opened, db, staff, number) if letter else None
    return opened_first(partial(show_file, talk, number), is_read=desk.is_read(db, staff, number), demand=demand)


def approve(talk: Talk, number: int) -> Answer:
    """Confirm it or who asks to speak for it; of one that is no more, note that its orders are over. Raises OrdersLeft
    there.
    """
    if desk.step_of(talk.turn.db, number) == ORDERS_LEFT:
        settle(talk.turn.db, staff_of(talk), number, talk.world.now)
        return _decided(number, "settled")
    desk.approve(talk.turn.db, staff_of(talk), number, talk.world.now)
    return _decided(number, "confirmed")


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    desk.send_back(talk.turn.db, staff, number, reasons, talk.world.now)
    return _decided(number, "returned")


def suspend(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    frozen = desk.suspend(talk.turn.db, staff, number, reasons[0], talk.world.now)
    return _decided(number, "suspended", frozen)


def resume(talk: Talk, number: int) -> Answer:
    desk.resume(talk.turn.db, staff_of(talk), number, talk.world.now)
    return _decided(number, "resumed")


def dissolve(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    desk.dissolve(talk.turn.db, staff, number, reasons[0], talk.world.now)
    return _decided(number, "dissolved")


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    if command in _STOPS:
        desk.check_stoppable(talk.turn.db, staff, number, _STOPS[command])
    else:
        desk.check_decidable(talk.turn.db, staff, number)


def _decided(number: int, what: str, frozen: Sequence[int] = ()) -> Answer:
    return Answer([Say("replies/organisations/decided", None, {"number": number, "what": what, "frozen": frozen})])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    queue_line=lambda _db, number: (["look", f"{SUBJECT}:{number}"], {}),
    must_read_first=must_read_first,
    approve=approve,
    resume=resume,
    reasoned={
        "send_back": ReasonedDecision("organisation_reason", send_back),
        "stop": ReasonedDecision("freeze_reason", suspend),
        "dissolve_organisation": ReasonedDecision("dissolution_reason", dissolve),
    },
    check=check,
)
