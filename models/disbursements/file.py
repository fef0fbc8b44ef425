"""Show an appeal's money: to the owner its budget lines and requests, to staff the whole file of one disbursement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.core.state_machine import By
from models.disbursements.disbursement import (
    UNACQUITTED,
    WITHDRAWABLE,
    Disbursement,
    NoSuchDisbursement,
    asked_of,
    matter_of,
    taken_of_line,
    transferring_fen,
)
from models.disbursements.payee import Payee
from models.ledger import Account, balance, held
from models.people.photo import pictures_of
from models.people.user import User
from models.staff.file_access import TaskView, may_read, record_file_access, view_task
from models.staff.fund_holder import holder_of
from models.staff.member import Staff

# The most disbursements that are listed to choose from.
MOST = 9
# The steps at which staff see the payee's account, and those at which they see the owner's name and telephone.
_SEE_ACCOUNT = ("use_endorse", "use_approve", "use_authorise", "use_pay", "use_doubt")
_CALL = ("use_endorse", "use_call", "use_doubt", "use_acquit")


@dataclass(frozen=True, slots=True)
class LineBalance:
    """A budget line. ``left_fen``: what of it is neither spent nor requested."""

    number: int
    item: str
    amount_fen: int
    left_fen: int


@dataclass(frozen=True, slots=True)
class DisbursementFile:
    """A disbursement as staff see it. Payee and owner are None for a reader whose open step does not need them.

    ``shown``: how many pictures of evidence. ``receipts``: how many of receipts. ``held_fen``: for the whole appeal.
    ``own_bank``: the reader is the fund holder that paid it. ``bank_fen``: what the reader's bank account holds by our
    records and other payouts leave, for the fund holder whose turn it is to pay; else None.
    """

    number: int
    appeal: int
    title: str
    appeal_state: str
    item: str
    line_fen: int
    amount_fen: int
    held_fen: int
    state: str
    round: int
    payee_kind: str
    payee_name: str | None
    account: str | None
    payable_from: datetime
    name: str | None
    phone: str | None
    shown: int
    receipts: int
    issue: str | None
    paid_at: datetime | None
    reference: str | None
    own_bank: bool
    bank_fen: int | None
    task: TaskView


def line_balances(db: Session, appeal_id: int) -> list[LineBalance]:
    """List the appeal's budget lines in their order."""
    lines = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == appeal_id).order_by(BudgetLine.id)).all()
    taken = {line.id: taken_of_line(db, line.id) for line in lines}
    return [LineBalance(line.id, line.item, line.amount_fen, line.amount_fen - taken[line.id]) for line in lines]


def free_fen_of(db: Session, appeal_id: int) -> int:
    """Return the fen that are held for the appeal and not requested yet."""
    return max(0, held(db, [appeal_id])[appeal_id] - asked_of(db, appeal_id))


def disbursements_of(db: Session, appeal_id: int, most: int) -> Sequence[Disbursement]:
    """List the appeal's newest disbursements that are not over, at most ``most``."""
    ended = ("acquitted", "refused", "withdrawn", "returned")
    theirs = select(Disbursement).where(Disbursement.appeal_id == appeal_id, Disbursement.state.not_in(ended))
    return db.scalars(theirs.order_by(Disbursement.id.desc()).limit(most)).all()


def awaiting_pictures(db: Session, user: User) -> Sequence[Disbursement]:
    """List the owner's disbursements that wait for pictures of evidence or receipts, the newest first, at most MOST."""
    receipts = Disbursement.state.in_(UNACQUITTED) & Disbursement.receipts_at.is_(None)
    waits = select(Disbursement).join(Appeal, Appeal.id == Disbursement.appeal_id)
    waits = waits.where(Appeal.owner_id == user.id, Disbursement.requested_by == user.id)
    waits = waits.where((Disbursement.state == "requested") | receipts)
    return db.scalars(waits.order_by(Disbursement.id.desc()).limit(MOST)).all()


def may_withdraw(disbursement: Disbursement) -> bool:
    return disbursement.state in WITHDRAWABLE


def open_disbursement(db: Session, staff: Staff, number: int, now: datetime) -> DisbursementFile:
    """Open a disbursement's file; the reading is recorded.

    Raises NoSuchDisbursement, also for one outside the region and for one of the reader's own household.
    """
    use = db.get(Disbursement, number)
    appeal = db.get(Appeal, use.appeal_id) if use else None
    if use is None or appeal is None:
        raise NoSuchDisbursement(number=number)
    if not may_read(db, staff, matter_of(use, appeal)):
        raise NoSuchDisbursement(number=number)
    task = view_task(db, staff, "disbursement", number)
    line, payee = db.get_one(BudgetLine, use.line_id), db.get_one(Payee, use.payee_id)
    sees_account, calls = task.mine and task.step in _SEE_ACCOUNT, task.mine and task.step in _CALL
    owner = db.get_one(User, appeal.owner_id)
    record_file_access(db, staff, "disbursement", number, owner.id if sees_account or calls else None, now)
    return DisbursementFile(
        number=number,
        appeal=appeal.id,
        title=appeal.title,
        appeal_state=appeal.state,
        item=line.item,
        line_fen=line.amount_fen,
        amount_fen=use.amount_fen,
        held_fen=held(db, [appeal.id])[appeal.id],
        state=use.state,
        round=use.round,
        payee_kind=payee.kind,
        payee_name=payee.name if sees_account else None,
        account=payee.account if sees_account else None,
        payable_from=payee.payable_from,
        name=owner.name if calls else None,
        phone=owner.phone if calls else None,
        shown=len(pictures_of(db, "disbursement", number)),
        receipts=len(pictures_of(db, "receipt", number)),
        issue=use.issue,
        paid_at=use.paid_at,
        reference=use.bank_reference if staff.role == By.FUND_HOLDER else None,
        own_bank=staff.role == By.FUND_HOLDER and use.holder_id == holder_of(staff),
        bank_fen=_bank_fen(db, staff) if task.mine and use.state == "authorised" else None,
        task=task,
    )


def _bank_fen(db: Session, staff: Staff) -> int:
    holder = holder_of(staff)
    return max(0, balance(db, Account("bank", holder)) - transferring_fen(db, holder))
