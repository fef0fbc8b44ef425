"""用钱: take a disbursement from the owner's request to the fund holder's payout, each approval by another person.

An officer who did not verify the household endorses, the township approves, the fund holder authorises and pays. Each
step runs under the appeal's lock and checks the amount anew: the budget line and the held money may have shrunk since,
and a frozen appeal pays nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine, get_appeal
from models.core.audit_trail import record
from models.core.calendar import day_in_china
from models.core.codes import new_code
from models.core.state_machine import Actor, WrongState
from models.disbursements.budget import check_again, check_amount, check_spendable
from models.disbursements.disbursement import (
    CODE_LENGTH,
    MACHINE,
    WITHDRAWABLE,
    Disbursement,
    find_disbursement,
    matter_of,
)
from models.disbursements.evidence import demand_pictures_opened
from models.disbursements.payee import Payee
from models.notifications.notify import notify_user
from models.people.photo import attach_photos
from models.people.user import User
from models.proxy.mandate import acted_for
from models.staff.decision import decide, passed_by
from models.staff.member import Staff
from models.staff.task import Task, close_task, open_task
from models.staff.turn import demand_task
from models.verification.eligibility import verifiers_of


@dataclass(frozen=True, slots=True)
class Approval:
    """What passing a step does: the new state, the column that names who decided, and the next step."""

    state: str
    decided_by: str
    next_step: str


APPROVALS: Mapping[str, Approval] = {
    "use_endorse": Approval("endorsed", "endorsed_by", "use_approve"),
    "use_approve": Approval("approved", "approved_by", "use_authorise"),
    "use_authorise": Approval("authorised", "authorised_by", "use_pay"),
}


@dataclass(frozen=True, slots=True)
class NewDisbursement:
    """What the owner asks for. ``pictures``: the evidence from the Photo reader, received in ``conversation_id``."""

    draft_id: str
    amount_fen: int
    pictures: Sequence[Mapping[str, str]]
    conversation_id: int


def request(
    db: Session, appeal: Appeal, line: BudgetLine, payee: Payee, user: User, new: NewDisbursement, now: datetime
) -> tuple[Disbursement, list[int]]:
    """Request a disbursement with its evidence; the appeal must be locked. The same draft twice is one request.

    Returns it with the ids of the photos to fetch. Raises NotSpendable, OverLine or OverHeld.
    """
    earlier = db.scalar(select(Disbursement).where(Disbursement.draft_id == new.draft_id))
    if earlier:
        return earlier, []
    check_spendable(db, appeal)
    check_amount(db, line, new.amount_fen)
    disbursement = Disbursement(
        draft_id=new.draft_id,
        code=new_code(CODE_LENGTH),
        appeal_id=appeal.id,
        line_id=line.id,
        payee_id=payee.id,
        amount_fen=new.amount_fen,
        state="requested",
        requested_by=user.id,
        created_at=now,
    )
    db.add(disbursement)
    db.flush()
    what, number = f"appeal:{appeal.id} {new.amount_fen}", disbursement.id
    who = f"user:{user.id}"
    record(db, at=now, actor=who, action="asked_for", subject="disbursement", subject_id=number, detail=what)
    return disbursement, hand_in(db, disbursement, appeal, new.pictures, new.conversation_id, now)


def hand_in(
    db: Session,
    disbursement: Disbursement,
    appeal: Appeal,
    pictures: Iterable[Mapping[str, str]],
    conversation_id: int,
    now: datetime,
) -> list[int]:
    """Attach the evidence, first or again, and open the endorsement task; return the ids of the photos to fetch.

    Raises NotSpendable, OverLine or OverHeld, and WrongState unless it waits for evidence.
    """
    check_again(db, disbursement, appeal)
    owed = attach_photos(db, "disbursement", disbursement.id, conversation_id, pictures, now)
    owner = Actor.owner(disbursement.requested_by)
    MACHINE.move(db, disbursement, "evidenced", owner, now)
    disbursement.reasons = None
    _open(db, disbursement, appeal, "use_endorse", now)
    db.flush()
    return owed


def withdraw(db: Session, disbursement: Disbursement, actor: Actor, now: datetime, detail: str | None = None) -> None:
    """Withdraw a request that is not paid yet; the appeal must be locked. Raises WrongState once it is paid."""
    MACHINE.move(db, disbursement, "withdrawn", actor, now, detail)
    close_task(db, "disbursement", disbursement.id, now)
    db.flush()


def withdraw_all(db: Session, appeal: Appeal, actor: Actor, now: datetime, detail: str) -> None:
    """Withdraw all unpaid requests of this locked appeal."""
    for disbursement in unpaid_requests(db, appeal.id):
        withdraw(db, disbursement, actor, now, detail)


def lock_disbursement(db: Session, number: int) -> tuple[Disbursement, Appeal]:
    """Lock the disbursement's appeal, whose row guards all its money, and read both. Raises NoSuchDisbursement."""
    appeal = get_appeal(db, find_disbursement(db, number).appeal_id, lock=True)
    return find_disbursement(db, number), appeal


def turn_of(db: Session, staff: Staff, number: int) -> tuple[Disbursement, Appeal, Task]:
    """Lock and return the disbursement, its appeal and its open task, if the task is this member of staff's.

    Raises NoSuchDisbursement, OutsideRegion, NotYourTurn or HasConflict.
    """
    disbursement, appeal = lock_disbursement(db, number)
    matter = matter_of(disbursement, appeal)
    task = demand_task(db, staff, matter, disbursement.state)
    return disbursement, appeal, task


def pass_on(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Endorse, approve or authorise a disbursement, whichever the open task asks for.

    Raises as ``turn_of`` does, DecidedBefore, NotSpendable, OverLine, OverHeld, PicturesNotOpened, or WrongState at any
    other step.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    approval = APPROVALS.get(task.step)
    if approval is None:
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="passed")
    check_again(db, disbursement, appeal)
    demand_pictures_opened(db, staff, number, task.step)
    matter = matter_of(disbursement, appeal)
    decide(db, matter, disbursement.round, staff, "pass", now)
    if approval.state == "endorsed":
        _confirm_payee(db, disbursement, staff, now)
    setattr(disbursement, approval.decided_by, staff.id)
    MACHINE.move(db, disbursement, approval.state, staff.actor, now)
    close_task(db, "disbursement", number, now, staff)
    _open(db, disbursement, appeal, approval.next_step, now)
    if approval.state == "authorised":
        notify_owner(db, disbursement, appeal, now)
    db.flush()
    return disbursement


def check_turns_away(db: Session, staff: Staff, number: int, state: str) -> None:
    """Raise what ``turn_away`` would, before the reasons are asked for."""
    disbursement, _, _ = turn_of(db, staff, number)
    MACHINE.check(disbursement.state, state, staff.actor)


def turn_away(
    db: Session, staff: Staff, number: int, state: str, reasons: Sequence[str], now: datetime
) -> Disbursement:
    """Return a request to its owner for other evidence (state ``requested``), or refuse it for good (``refused``).

    Raises as ``turn_of`` does, and WrongState.
    """
    disbursement, appeal, _ = turn_of(db, staff, number)
    matter = matter_of(disbursement, appeal)
    MACHINE.check(disbursement.state, state, staff.actor)
    decide(db, matter, disbursement.round, staff, "return" if state == "requested" else "reject", now, reasons)
    return_or_refuse(db, disbursement, state, staff.actor, now, reasons, staff)
    notify_owner(db, disbursement, appeal, now)
    return disbursement


def notify_owner(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> None:
    """Notify the owner of the request's new state."""
    payee = db.get_one(Payee, disbursement.payee_id)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "use": disbursement.id,
        "amount_fen": disbursement.amount_fen,
        "state": disbursement.state,
        "reasons": disbursement.reasons.split(",") if disbursement.reasons else [],
        "day": day_in_china(payee.payable_from),
    }
    key = f"use:{disbursement.id}:{disbursement.state}:{disbursement.round}"
    notify_user(db, appeal.owner_id, "disbursement_moved", facts, key, now, about=("appeal", appeal.id))


def barred_from(db: Session, disbursement: Disbursement, appeal: Appeal) -> dict[int, str]:
    """Staff id -> why they may not decide on it: they verified the household, acted for it, or passed it before."""
    matter = matter_of(disbursement, appeal)
    passed = dict.fromkeys(passed_by(db, matter, disbursement.round), "decided_before")
    acted = acted_for(db, "appeal", appeal.id, appeal.household_id)
    return {**passed, **acted, **verifiers_of(db, appeal.household_id)}


def _open(db: Session, disbursement: Disbursement, appeal: Appeal, step: str, now: datetime) -> None:
    matter = matter_of(disbursement, appeal)
    # The person who authorises may also pay: two others have seen it before, and a charity may have one cashier.
    barred = barred_from(db, disbursement, appeal)
    if step == "use_pay" and disbursement.authorised_by:
        barred.pop(disbursement.authorised_by, None)
    open_task(db, matter, step, now, barred)


def return_or_refuse(
    db: Session,
    disbursement: Disbursement,
    state: str,
    actor: Actor,
    now: datetime,
    reasons: Sequence[str],
    staff: Staff | None = None,
) -> None:
    """Return or refuse a disbursement and clear its approvals: what comes next must be approved anew."""
    MACHINE.move(db, disbursement, state, actor, now, ",".join(reasons)[:80])
    disbursement.reasons = ",".join(reasons)
    disbursement.endorsed_by = disbursement.approved_by = disbursement.authorised_by = None
    disbursement.round += 1
    close_task(db, "disbursement", disbursement.id, now, staff)
    db.flush()


def _confirm_payee(db: Session, disbursement: Disbursement, staff: Staff, now: datetime) -> None:
    payee = db.get_one(Payee, disbursement.payee_id)
    if payee.confirmed_by is None:
        payee.confirmed_by, payee.confirmed_at = staff.id, now


def unpaid_requests(db: Session, appeal_id: int) -> Sequence[Disbursement]:
    """List what can still be withdrawn or changed; money that may be on its way to its payee is not."""
    theirs = (Disbursement.appeal_id == appeal_id) & Disbursement.state.in_(WITHDRAWABLE)
    return db.scalars(select(Disbursement).where(theirs).order_by(Disbursement.id)).all()
