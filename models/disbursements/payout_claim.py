"""Claim a payout before the fund holder goes to its bank: what may stop it is asked then, and never afterwards.

From the claim to its end nobody withdraws the request, changes its payee or refunds the appeal's gifts, and neither the
appeal's money nor the bank's goes elsewhere. So whatever stops payouts meanwhile (a report's hold, a frozen or ended
appeal, an erased owner), a transfer that was made can be recorded. Only the fund holder knows whether it was, and is
asked until it says.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.appeals.appeal import UNSUCCESSFUL, Appeal
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, WrongState
from models.disbursements.allocation_run import AllocationPending, is_pending
from models.disbursements.approval import notify_owner, return_or_refuse, turn_of, withdraw
from models.disbursements.budget import OverHeld, check_again, is_spendable
from models.disbursements.disbursement import MACHINE, TRANSFERRING, Disbursement, transferring_fen, transfers_of
from models.disbursements.evidence import demand_pictures_opened
from models.disbursements.hold import demand_not_held, held_until
from models.disbursements.payee import Payee
from models.disbursements.payee_change import forget, notify_county
from models.ledger import Account, held, lock
from models.ledger.errors import PayoutShort
from models.people.photo import Photo
from models.people.user import User
from models.staff.fund_holder import holder_of
from models.staff.member import Staff, notify_staff
from models.staff.task import find_task

# Banks transfer within a day; then its fund holder is asked every day, and the county reads of it from the second on.
ASKED_EVERY = timedelta(hours=24)
_BATCH = 50


class PayeeTooNew(Refusal):
    """The payee is new, and nothing may be paid to it before ``payable_from``."""

    code = "payee_too_new"
    final = True


class ClaimedByAnother(Refusal):
    """The member of staff ``work_no`` claimed the payout ``use`` and may be at the bank: till ``until`` they end it."""

    code = "claimed_by_another"
    final = True


class TransferUnderWay(Refusal):
    """Money of the appeal ``number`` may be on its way at the bank: what of a gift is left is not known before."""

    code = "transfer_under_way"
    final = True


def check_not_transferring(db: Session, appeal_id: int) -> None:
    """Check that none of the appeal's money is being transferred; the caller holds it. Raises TransferUnderWay."""
    if transfers_of(db, appeal_id):
        raise TransferUnderWay(number=appeal_id)


def claim_payout(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Disbursement, Appeal]:
    """Claim a payout for the fund holder who is about to transfer it; one that is claimed stays as it is.

    Raises as models.disbursements.approval.pass_on does, PayoutsHeld, PayeeTooNew, AllocationPending, and PayoutShort:
    nobody is asked to transfer what has not arrived at the bank, nor for pictures that they have not opened.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_pay":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="paid")
    if disbursement.state == TRANSFERRING:
        return disbursement, appeal
    check_again(db, disbursement, appeal)
    demand_not_held(db, appeal.id, number, now)
    demand_pictures_opened(db, staff, number, task.step)
    payee = db.get_one(Payee, disbursement.payee_id)
    if payee.payable_from > now:
        raise PayeeTooNew(use=number, payable_from=payee.payable_from)
    _check_money(db, disbursement, holder_of(staff))
    disbursement.claimed_by = staff.id
    _claim(db, disbursement, holder_of(staff), staff.actor, now, now + ASKED_EVERY)
    return disbursement, appeal


def release_claim(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """End a claim of which the fund holder says that nothing was transferred. What had to wait for it is done now.

    For ASKED_EVERY only who claimed it knows. Raises as models.disbursements.approval.turn_of does, WrongState and
    ClaimedByAnother.
    """
    disbursement, appeal, _ = turn_of(db, staff, number)
    if disbursement.state != TRANSFERRING:
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="authorised")
    _demand_own(db, disbursement, staff, now)
    MACHINE.move(db, disbursement, "authorised", staff.actor, now, "not_transferred")
    disbursement.claimed_by = disbursement.claimed_at = disbursement.ask_at = disbursement.holder_id = None
    db.flush()
    payee = db.get_one(Payee, disbursement.payee_id)
    if db.get_one(User, appeal.owner_id).state == "erased":
        forget(db, appeal, SYSTEM, now)
        theirs = (Photo.subject == "disbursement") & (Photo.subject_id == number)
        db.execute(update(Photo).where(theirs).values(state="gone", media_id="", pic_url=""))
    elif payee.ended_at is not None:
        disbursement.payee_id = _replacement(db, payee).id
        return_or_refuse(db, disbursement, "requested", SYSTEM, now, ("payee_changed",))
        notify_owner(db, disbursement, appeal, now)
    elif appeal.state in UNSUCCESSFUL:
        withdraw(db, disbursement, SYSTEM, now, f"appeal_{appeal.state}")
    db.flush()
    return disbursement


def _demand_own(db: Session, disbursement: Disbursement, staff: Staff, now: datetime) -> None:
    """Raises ClaimedByAnother."""
    claimed_by, at = disbursement.claimed_by, disbursement.claimed_at
    if claimed_by is not None and claimed_by != staff.id and at is not None and now < at + ASKED_EVERY:
        work_no = db.get_one(Staff, claimed_by).work_no
        raise ClaimedByAnother(use=disbursement.id, work_no=work_no, until=at + ASKED_EVERY)


def what_stops(db: Session, appeal: Appeal, now: datetime) -> str | None:
    """Return what would stop a payout of this appeal now (models.disbursements.disbursement.DESPITE), or None."""
    if held_until(db, appeal.id, now) is not None:
        return "held"
    if appeal.state == "frozen":
        return "frozen"
    return None if is_spendable(db, appeal) else "over"


def warn(db: Session, appeal_id: int, why: str, now: datetime) -> None:
    """Ask the fund holders who may be transferring the appeal's money to stop, or to say that they have done it.

    ``why``: held or frozen. The caller holds the appeal.
    """
    for disbursement in transfers_of(db, appeal_id):
        _ask(db, disbursement, why, now)


def ask_about_transfers(db: Session, now: datetime) -> int:
    """Ask about the claims that nobody has answered for a day, and tell the county of the second day on.

    Returns how many.
    """
    due = select(Disbursement).where(Disbursement.state == TRANSFERRING, Disbursement.ask_at <= now)
    found = db.scalars(due.order_by(Disbursement.ask_at).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for disbursement in found:
        since = disbursement.claimed_at or now
        _ask(db, disbursement, "unanswered" if disbursement.claimed_by else "restored", now)
        if now - since >= 2 * ASKED_EVERY:
            appeal = db.get_one(Appeal, disbursement.appeal_id)
            facts = _facts(disbursement, appeal)
            notify_county(db, appeal, "transfer_unanswered", facts, f"transfer:{disbursement.id}:{now.date()}", now)
        disbursement.ask_at = now + ASKED_EVERY
    db.flush()
    return len(found)


def claim_restored(db: Session, now: datetime) -> int:
    """Claim every payout that waits in a restored backup: it may have been made since. Returns how many there are."""
    waiting = select(Disbursement).where(Disbursement.state.in_(("authorised", TRANSFERRING)))
    found = db.scalars(waiting.order_by(Disbursement.id).with_for_update()).all()
    for disbursement in found:
        disbursement.claimed_by, disbursement.ask_at = None, now
        if disbursement.state == "authorised":
            _claim(db, disbursement, holder_of(db.get_one(Staff, disbursement.authorised_by)), SYSTEM, now, now)
    db.flush()
    return len(found)


def _check_money(db: Session, disbursement: Disbursement, holder: int) -> None:
    """Check that appeal and bank have the sum beside what may be leaving them. Locks both accounts.

    Raises OverHeld, PayoutShort or AllocationPending.
    """
    if is_pending(db, disbursement.appeal_id, returned=True):
        raise AllocationPending(number=disbursement.appeal_id)
    bank = Account("bank", holder)
    there = lock(db, [Account("appeal", disbursement.appeal_id), bank])[bank].balance_fen - transferring_fen(db, holder)
    others = sum(other.amount_fen for other in transfers_of(db, disbursement.appeal_id))
    free = held(db, [disbursement.appeal_id])[disbursement.appeal_id] - others
    if disbursement.amount_fen > free:
        raise OverHeld(free_fen=max(0, free))
    if there < disbursement.amount_fen:
        raise PayoutShort(held_fen=max(0, there), need_fen=disbursement.amount_fen)


def _claim(db: Session, disbursement: Disbursement, holder: int, actor: Actor, now: datetime, ask_at: datetime) -> None:
    disbursement.holder_id, disbursement.claimed_at, disbursement.ask_at = holder, now, ask_at
    MACHINE.move(db, disbursement, TRANSFERRING, actor, now)
    db.flush()


def _ask(db: Session, disbursement: Disbursement, why: str, now: datetime) -> None:
    """Ask whoever has its task, or had it, whether the transfer was made."""
    task = find_task(db, "disbursement", disbursement.id)
    who = (task.assignee if task else None) or disbursement.claimed_by or disbursement.authorised_by
    appeal = db.get_one(Appeal, disbursement.appeal_id)
    facts, key = {**_facts(disbursement, appeal), "why": why}, f"transfer:{disbursement.id}:{why}:{now.isoformat()}"
    notify_staff(db, db.get_one(Staff, who), "transfer_asked", facts, key, now, ("disbursement", disbursement.id))


def _facts(disbursement: Disbursement, appeal: Appeal) -> dict[str, str | int]:
    use, fen = disbursement.id, disbursement.amount_fen
    return {"use": use, "number": appeal.id, "title": appeal.title, "amount_fen": fen}


def _replacement(db: Session, payee: Payee) -> Payee:
    """Return the payee that stands now in place of one that was replaced, perhaps more than once."""
    while (after := db.scalar(select(Payee).where(Payee.replaces_id == payee.id))) is not None:
        payee = after
    return payee
