"""放款: the fund holder has made the transfer and enters the bank's number: ledger, the gifts' shares, and the news."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, BudgetLine
from models.appeals.review import demand_no_tie
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, WrongState
from models.disbursements.allocation import SharesPending, begin_shares, check_shared, give_page, has_few, is_pending
from models.disbursements.approval import barred_from, locked, turn_of
from models.disbursements.budget import recheck
from models.disbursements.disbursement import MACHINE, Disbursement, NoSuchDisbursement, find_disbursement, matter_of
from models.disbursements.payee import Payee
from models.giving.matching import gone_from, hold_matches
from models.ledger import Account, lock, moves
from models.ledger.accounts import REFUNDS
from models.notifications.broadcast import tell_backers
from models.notifications.notification import tell
from models.outreach.reporting_duty import begin_telling
from models.payments.payout_return import hold_givers, take_page_away
from models.people.conversation import Conversation
from models.staff.member import Staff
from models.staff.task import Task, close_task, open_task
from models.treasury.settlement import ReferenceUsed, holder_of

# Receipts in this time: shops in the mountains write them by hand, and the market day is once in ten.
RECEIPTS_WITHIN = timedelta(days=30)
# Of so many payments one is asked about by somebody who had no part in it.
CALLED_OF = 5
_BATCH = 20


class NotStoodStill(Refusal):
    """Its payee is new: nothing is paid there before ``payable_from``."""

    code = "not_stood_still"
    final = True


class BankLacks(Refusal):
    """``held_fen`` have arrived at this fund holder's bank and are not paid out: the channel has yet to settle."""

    code = "bank_lacks"
    final = True


def check_payable(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Disbursement, Appeal, Payee]:
    """Locked. Raises as models.disbursements.approval.pass_on does, and NotStoodStill."""
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_pay":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="paid")
    recheck(db, disbursement, appeal)
    payee = db.get_one(Payee, disbursement.payee_id)
    if payee.payable_from > now:
        raise NotStoodStill(use=number, payable_from=payee.payable_from)
    return disbursement, appeal, payee


def pay(db: Session, staff: Staff, number: int, reference: str, now: datetime) -> tuple[Disbursement, bool]:
    """It is paid; True where more of the gifts' states are to follow. The same word again is the same payment.

    Raises as ``check_payable``, ReferenceUsed or BankLacks.
    """
    before, _ = locked(db, number)
    if before.paid_at and before.paid_by == staff.id and before.bank_reference == reference:
        return before, False
    disbursement, appeal, payee = check_payable(db, staff, number, now)
    holder = holder_of(staff)
    same = (Disbursement.holder_id == holder) & (Disbursement.bank_reference == reference)
    if db.scalar(select(Disbursement.id).where(same)):
        raise ReferenceUsed(reference=reference)
    held_for, bank = Account("appeal", appeal.id), Account("bank", holder)
    accounts = lock(db, [held_for, bank])
    if accounts[bank].balance_fen < disbursement.amount_fen:
        raise BankLacks(held_fen=accounts[bank].balance_fen)
    if is_pending(db, appeal.id, returned=True):
        raise SharesPending(number=appeal.id)
    alone = not is_pending(db, appeal.id) and has_few(db, appeal.id)
    begin_shares(disbursement, accounts[held_for].balance_fen)
    moves.disbursed(db, appeal.id, holder, disbursement.amount_fen, f"disbursement:{number}", now)
    _mark_paid(disbursement, staff, holder, reference, payee, now)
    MACHINE.move(db, disbursement, "paid", staff.actor, now)
    close_task(db, "disbursement", number, now, staff)
    db.flush()
    if appeal.state != "executing":
        APPEALS.move(db, appeal, "executing", SYSTEM, now, f"disbursement:{number}")
        begin_telling(appeal, now)
    if disbursement.sampled:
        _have_called(db, disbursement, appeal, now)
    _tell(db, disbursement, appeal, now)
    if alone:
        give_page(db, disbursement, now)
    return disbursement, disbursement.gifts_to is not None


def follow_on(db: Session, number: int, now: datetime) -> bool:
    """A page more of gifts that give their shares to this one, or to one of its appeal that was paid before it, or that
    have them back. False once all have.
    """
    _, appeal = locked(db, number)
    waits = (Disbursement.appeal_id == appeal.id) & Disbursement.gifts_to.is_not(None)
    first = select(Disbursement).where(waits).order_by(Disbursement.paid_at, Disbursement.id).limit(1)
    disbursement = db.scalar(first.execution_options(populate_existing=True))
    if disbursement is None:
        return False
    page = take_page_away if disbursement.state == "returned" else give_page
    page(db, disbursement, now)
    return is_pending(db, appeal.id)


def spreading(db: Session) -> list[int]:
    """Payments whose gifts have yet to give: their job was lost, or is on its way."""
    found = select(Disbursement.id).where(Disbursement.gifts_to.is_not(None)).order_by(Disbursement.id)
    return list(db.scalars(found.limit(_BATCH)))


def is_drawn(number: int) -> bool:
    """One of CALLED_OF; who has not our keys cannot foresee which, and the same one is drawn whenever it is asked."""
    lot = int(keyring().finders(str(number), "disbursement_sample")[0][:8], 16)
    return lot < 2**32 // CALLED_OF


def check_bounces(db: Session, staff: Staff, number: int) -> Disbursement:
    """May this one say so? Raises NoSuchDisbursement (also of another's bank), WrongState or HasAPart."""
    disbursement = find_disbursement(db, number)
    if disbursement.holder_id != holder_of(staff):
        raise NoSuchDisbursement(number=number)
    MACHINE.check(disbursement.state, "returned", staff.actor)
    appeal = db.get_one(Appeal, disbursement.appeal_id)
    demand_no_tie(db, staff, matter_of(disbursement, appeal.region_code, appeal.household_id))
    return disbursement


def bounced(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """The bank gave it back: it is held for the appeal again, and the gifts have it back.

    Raises as ``check_bounces``, and SharesPending.
    """
    _, appeal = locked(db, number)
    disbursement = check_bounces(db, staff, number)
    check_shared(db, appeal.id)
    holder = disbursement.holder_id or 0
    few = has_few(db, appeal.id)
    if few:
        hold_givers(db, number)
    # All that is posted in this transaction, where the gifts have theirs again in it.
    hold_matches(
        db, gone_from(db, number) if few else [], (Account("appeal", appeal.id), Account("bank", holder), REFUNDS)
    )
    moves.disbursement_returned(db, appeal.id, holder, disbursement.amount_fen, f"disbursement:{number}", now)
    MACHINE.move(db, disbursement, "returned", staff.actor, now)
    disbursement.gifts_to, disbursement.receipts_due = 0, None
    close_task(db, "disbursement", number, now, staff)
    if appeal.state == "reporting":
        APPEALS.move(db, appeal, "executing", SYSTEM, now, f"disbursement:{number}")
    if few:
        take_page_away(db, disbursement, now)
    db.flush()
    return disbursement


def _mark_paid(
    disbursement: Disbursement, staff: Staff, holder: int, reference: str, payee: Payee, now: datetime
) -> None:
    disbursement.paid_by, disbursement.paid_at, disbursement.payable_from = staff.id, now, payee.payable_from
    disbursement.holder_id, disbursement.bank_reference = holder, reference
    disbursement.receipts_due = now + RECEIPTS_WITHIN
    disbursement.sampled = is_drawn(disbursement.id)


def _have_called(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> Task:
    """By somebody who had no part in it, nor in the appeal."""
    barred = barred_from(db, disbursement, appeal)
    for staff_id in (disbursement.paid_by, appeal.endorsed_by):
        if staff_id:
            barred.setdefault(staff_id, "decided_before")
    return open_task(db, matter_of(disbursement, appeal.region_code, appeal.household_id), "use_call", now, barred)


def _tell(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> None:
    item = db.get_one(BudgetLine, disbursement.line_id).item
    facts = {"amount_fen": disbursement.amount_fen, "item": item}
    tell_backers(db, "disbursed", appeal.id, appeal.title, f"disbursed:{disbursement.id}", now, owner=False, **facts)
    own = {"number": appeal.id, "title": appeal.title, "owner": True, "code": disbursement.code, **facts}
    for person in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
        tell(db, person, "disbursed", own, f"disbursed:{disbursement.id}:{person}", now, ("appeal", appeal.id))
