"""看 用款 <号>, 放款 <号>: staff read a disbursement's file and take the decision of its current step."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.staff import recusal
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, parse_reference, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from handlers.staff.todo import todo
from models.disbursements import acquittal, approval, confirmation
from models.disbursements.confirmation import ISSUES, NOT_RECEIVED, RECEIVED
from models.disbursements.disbursement import TRANSFERRING, NoSuchDisbursement, find_disbursement
from models.disbursements.evidence import demand_pictures_opened
from models.disbursements.file import DisbursementFile, open_disbursement
from models.disbursements.payout_claim import release_claim
from models.staff.file_access import has_read, view_task
from models.staff.member import Staff
from models.staff.task import find_task

SUBJECT = "disbursement"
# Step -> the decisions offered as numbered choices: the template's name of each -> its command.
_DECISIONS: dict[str, dict[str, str]] = {
    "use_endorse": {"approve": "approve", "send_back": "send_back", "reject": "reject"},
    "use_approve": {"approve": "approve", "send_back": "send_back", "reject": "reject"},
    "use_authorise": {"approve": "approve", "send_back": "send_back", "reject": "reject"},
    "use_pay": {"pay_out": "pay_out", "send_back": "send_back", "reject": "reject"},
    "use_acquit": {"acquit": "approve", "other_receipts": "send_back"},
    "use_doubt": {"clear": "approve"},
}
_PAYS = ("use_pay",)
# What a fund holder answers about a claimed payout, in the order in which the template lists them.
_TRANSFERRED = ("enter_transfer", "not_transferred")


def show_file(talk: Talk, number: int) -> Answer:
    """Show a disbursement's file to staff, with the decisions they may take. Raises NoSuchDisbursement."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchDisbursement(number=number)
    file = open_disbursement(talk.turn.db, staff, number, talk.world.now)
    link = talk.world.link("pictures", f"{SUBJECT}:{number}") if file.shown or file.receipts else ""
    values = {"file": file, "link": link, "now": talk.world.now}
    values["labels"] = labels(talk.world.lexicon, "payee_kind", "use_issue")
    return with_ways("replies/disbursements/file", values, _ways(file))


def pay_out(talk: Talk, number: str = "") -> Answer:
    """放款 <号>: start a payout; without a number, show the member of staff's tasks. Raises NoSuchDisbursement."""
    if not number:
        return todo(talk)
    find_disbursement(talk.turn.db, int(number))
    first = _stepped_aside(talk, int(number)) or _ask_about_transfer(talk, int(number))
    first = first or _must_see_first(talk, int(number), _PAYS)
    if first:
        return first
    answer = talk.start("pay_out", {"use": int(number)})
    if answer.outcome == "asked":
        # Said here alone: a draft that is taken up again does not know who has transferred it meanwhile.
        answer.says.insert(0, Say("replies/disbursements/claimed", None, {"use": int(number)}))
    return answer


def enter_transfer(talk: Talk, number: str) -> Answer:
    """Go on to the bank's reference of a claimed payout. Only a numbered line leads here."""
    return talk.start("pay_out", {"use": int(number)})


def not_transferred(talk: Talk, number: str) -> Answer:
    """End a claim of which nothing was transferred. Only a numbered line leads here."""
    use = release_claim(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    return _decided("released", use.id, use.state)


def begin_payout_return(talk: Talk, number: str) -> Answer:
    """Start to record that the bank returned a payout. Only a numbered line leads here."""
    return talk.start("payout_return", {"use": int(number)})


def record_call(talk: Talk, reference: str, outcome: str = RECEIVED) -> Answer:
    """Record what the household said on the check call. Only a numbered line leads here."""
    number = parse_reference(reference)[1]
    recused = _stepped_aside(talk, number)
    if recused:
        return recused
    use = confirmation.record_call(talk.turn.db, staff_of(talk), number, outcome, talk.world.now)
    return _decided("call_recorded", use.id, use.state)


def must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Show the file instead of deciding, where the member of staff has not read it as it is now; else None.

    Who approves must have opened the pictures, too.
    """
    db, staff = talk.turn.db, staff_of(talk)
    if not view_task(db, staff, SUBJECT, number).mine:
        return None
    if has_read(db, staff, SUBJECT, number):
        return _must_see_first(talk, number, tuple(_DECISIONS)) if command == "approve" else None
    return opened_first(partial(show_file, talk, number), is_read=False)


def approve(talk: Talk, number: int) -> Answer:
    """Pass the disbursement's current step: accept receipts, settle a doubt, or endorse, approve or authorise."""
    db, staff, now = talk.turn.db, staff_of(talk), talk.world.now
    task = find_task(db, SUBJECT, number)
    step = task.step if task else ""
    if step == "use_acquit":
        return _decided("acquitted", number, acquittal.acquit(db, staff, number, now).state)
    if step == "use_doubt":
        return _decided("cleared", number, confirmation.settle_doubt(db, staff, number, now).state)
    return _decided("approved", number, approval.pass_on(db, staff, number, now).state)


def check_turns_away(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Raise what ``send_back`` or ``reject`` would, before the reasons are asked for."""
    if command == "send_back" and _is_acquitted_next(talk, number):
        approval.turn_of(talk.turn.db, staff, number)
        return
    state = "requested" if command == "send_back" else "refused"
    approval.check_turns_away(talk.turn.db, staff, number, state)


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    now = talk.world.now
    if _is_acquitted_next(talk, number):
        use = acquittal.return_receipts(talk.turn.db, staff, number, reasons, now)
    else:
        use = approval.turn_away(talk.turn.db, staff, number, "requested", reasons, now)
    return _decided("sent_back", number, use.state)


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    use = approval.turn_away(talk.turn.db, staff, number, "refused", reasons, talk.world.now)
    return _decided("rejected", number, use.state)


def _ask_about_transfer(talk: Talk, number: int) -> Answer | None:
    """Ask whether a claimed payout was transferred, where it is theirs; else None."""
    db, staff = talk.turn.db, find_seat(talk)
    use = find_disbursement(db, number)
    if staff is None or use.state != TRANSFERRING or not view_task(db, staff, SUBJECT, number).mine:
        return None
    options = [Option(n, "", ["command", name, str(number)]) for n, name in enumerate(_TRANSFERRED, 1)]
    facts = {"use": number, "amount_fen": use.amount_fen, "since": use.claimed_at}
    return Answer([Say("replies/disbursements/transferred", None, facts)], options)


def _must_see_first(talk: Talk, number: int, steps: Sequence[str]) -> Answer | None:
    """Show the file with the link where one of ``steps`` is theirs and they have not opened the pictures; else None."""
    db, staff = talk.turn.db, find_seat(talk)
    task = view_task(db, staff, SUBJECT, number) if staff else None
    if staff is None or task is None or not task.mine or task.step not in steps:
        return None
    demand = partial(demand_pictures_opened, db, staff, number, task.step)
    return opened_first(partial(show_file, talk, number), is_read=True, demand=demand)


def _stepped_aside(talk: Talk, number: int) -> Answer | None:
    return recusal.recuse_and_answer(talk.turn, staff_of(talk), SUBJECT, number)


def _is_acquitted_next(talk: Talk, number: int) -> bool:
    task = find_task(talk.turn.db, SUBJECT, number)
    return task is not None and task.step == "use_acquit"


def _ways(file: DisbursementFile) -> dict[str, list[str]]:
    reference, ways = f"{SUBJECT}:{file.number}", {}
    if file.task.mine:
        if file.state == TRANSFERRING:
            ways = {name: ["command", name, str(file.number)] for name in _TRANSFERRED}
        else:
            for name, command in _DECISIONS.get(file.task.step, {}).items():
                said = str(file.number) if command == "pay_out" else reference
                ways[name] = ["command", command, said]
        if file.task.step == "use_call":
            outcomes = (RECEIVED, *ISSUES, NOT_RECEIVED)
            ways = {outcome: ["command", "record_call", reference, outcome] for outcome in outcomes}
    if file.own_bank and file.state == "not_received":
        ways["bounce"] = ["command", "bounce", str(file.number)]
    ways["appeal"] = ["command", "look", f"appeal:{file.appeal}"]
    return ways


def _decided(what: str, number: int, state: str) -> Answer:
    return Answer([Say("replies/disbursements/decided", None, {"what": what, "use": number, "state": state})])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    must_read_first=must_read_first,
    approve=approve,
    reasoned={"send_back": ReasonedDecision("use_reason", send_back), "reject": ReasonedDecision("use_reason", reject)},
    check=check_turns_away,
)
