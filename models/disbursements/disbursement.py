"""The disbursements table: an appeal's money, requested, approved by three people, paid out and acquitted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL, Appeal, BudgetLine
from models.core.base import Base, RowId, one_of
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.staff.task import Matter

CODE_LENGTH = 8

_OWNER = frozenset({By.OWNER})
_SYSTEM = frozenset({By.SYSTEM})
# Township and county stand in where a village has no officer, or did not act in time.
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})
_HOLDER = frozenset({By.FUND_HOLDER})

# The fund holder was told to transfer it and has not said whether it did. Nobody may withdraw it meanwhile.
TRANSFERRING = "transferring"
WITHDRAWABLE = ("requested", "evidenced", "endorsed", "approved", "authorised")
# Requested and not paid yet: its amount counts against its budget line and the held money.
UNDER_WAY = (*WITHDRAWABLE, TRANSFERRING)
# Paid out and not acquitted yet.
UNACQUITTED = ("paid", "received", "received_with_issues", "not_received")
SPENT = (*UNACQUITTED, "acquitted")
# What may stop payouts between a claim and the record of its transfer: a report's hold, a frozen appeal, or one that is
# over. The money has moved all the same.
DESPITE = ("held", "frozen", "over")
ENDED = ("acquitted", "refused", "withdrawn", "returned")

# Arguments: the disbursement's id, the state and the time. Called when a payout is confirmed as received.
on_received: Hook[[Session, int, str, datetime], None] = Hook("disbursements.disbursement.on_received")

MACHINE = Machine(
    "disbursement",
    {
        ("requested", "evidenced"): _OWNER,
        ("evidenced", "endorsed"): _OFFICER,
        ("endorsed", "approved"): _ABOVE,
        ("approved", "authorised"): _HOLDER,
        # The fund holder goes to its bank; of what a restored backup brought back, the system asks whether it did.
        ("authorised", TRANSFERRING): _HOLDER | _SYSTEM,
        (TRANSFERRING, "paid"): _HOLDER,
        (TRANSFERRING, "authorised"): _HOLDER,
        # Back to its owner: for other pictures, or because its payee has changed.
        ("evidenced", "requested"): _OFFICER | _SYSTEM,
        ("endorsed", "requested"): _ABOVE | _SYSTEM,
        ("approved", "requested"): _HOLDER | _SYSTEM,
        ("authorised", "requested"): _HOLDER | _SYSTEM,
        ("evidenced", "refused"): _OFFICER,
        ("endorsed", "refused"): _ABOVE,
        ("approved", "refused"): _HOLDER,
        ("authorised", "refused"): _HOLDER,
        **{(state, "withdrawn"): _OWNER | _SYSTEM for state in WITHDRAWABLE},
        # The owner answers, or the officer who makes the check call.
        ("paid", "received"): _OWNER | _OFFICER,
        ("paid", "received_with_issues"): _OWNER | _OFFICER,
        ("paid", "not_received"): _OWNER | _OFFICER,
        # The check call heard something else than the household's answer, which came before it.
        ("received", "not_received"): _OFFICER,
        ("received", "received_with_issues"): _OFFICER,
        ("received_with_issues", "received"): _COUNTY,
        ("not_received", "received"): _COUNTY,
        ("not_received", "returned"): _HOLDER,
        ("received", "acquitted"): _OFFICER,
    },
    then={"received": on_received},
)


class NoSuchDisbursement(Refusal):
    code = "no_such_disbursement"


class Disbursement(Base):
    """One request against one budget line, to one payee. ``code``: the owner confirms the payment with it.

    ``round``: how often its approval began; the decisions table keeps the deciders of earlier rounds.
    ``holder_id``, ``bank_reference``: the fund holder that paid it, and its bank's number of the transfer.
    ``claimed_by``, ``claimed_at``: who was told to transfer it, and when; without who, a restored backup brought it
    back. ``ask_at``: when its fund holder is asked next whether it did. ``paid_despite``: what stopped payouts when the
    transfer was recorded (DESPITE).
    ``payable_from``: the payee's, at the time of payment. ``matched_fen``: the part of the amount that matching pools
    paid, not gifts; None until it is allocated. ``sampled``: drawn for a check call by an officer who had no part in
    it.
    """

    __tablename__ = "disbursements"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("budget_lines.id"), index=True)
    payee_id: Mapped[int] = mapped_column(ForeignKey("payees.id"), index=True)
    amount_fen: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default="requested")
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    reasons: Mapped[str | None] = mapped_column(String(200))
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    endorsed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    authorised_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime | None]
    ask_at: Mapped[datetime | None]
    paid_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    paid_at: Mapped[datetime | None]
    payable_from: Mapped[datetime | None]
    paid_despite: Mapped[str | None] = mapped_column(String(8))
    holder_id: Mapped[int | None]
    bank_reference: Mapped[str | None] = mapped_column(String(40))
    matched_fen: Mapped[int | None]
    confirmed_at: Mapped[datetime | None]
    issue: Mapped[str | None] = mapped_column(String(20))
    sampled: Mapped[bool] = mapped_column(default=False, server_default="0")
    called_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    called_at: Mapped[datetime | None]
    receipts_due: Mapped[datetime | None]
    receipts_reminded: Mapped[bool] = mapped_column(default=False, server_default="0")
    receipts_at: Mapped[datetime | None]
    acquitted_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    acquitted_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("matched_fen >= 0 AND matched_fen <= amount_fen", name="matched_within"),
        CheckConstraint("endorsed_by <> approved_by AND endorsed_by <> authorised_by", name="endorser_apart"),
        CheckConstraint("approved_by <> authorised_by AND approved_by <> paid_by", name="approver_apart"),
        CheckConstraint("endorsed_by <> paid_by", name="payer_apart"),
        CheckConstraint("paid_at >= payable_from", name="payee_waited"),
        CheckConstraint(
            f"state NOT IN {SPENT} OR (paid_at IS NOT NULL AND payable_from IS NOT NULL AND bank_reference IS NOT NULL"
            " AND holder_id IS NOT NULL AND endorsed_by IS NOT NULL AND approved_by IS NOT NULL"
            " AND authorised_by IS NOT NULL AND paid_by IS NOT NULL)",
            name="paid_by_three",
        ),
        one_of("paid_despite", DESPITE),
        CheckConstraint(
            f"state <> '{TRANSFERRING}' OR (claimed_at IS NOT NULL AND ask_at IS NOT NULL AND holder_id IS NOT NULL)",
            name="claim_whole",
        ),
        UniqueConstraint("holder_id", "bank_reference"),
        Index("ix_disbursements_ask_at", "ask_at", postgresql_where=text(f"state = '{TRANSFERRING}'")),
        Index("ix_disbursements_appeal", "appeal_id", "id"),
        Index(
            "ix_disbursements_receipts_due",
            "receipts_due",
            postgresql_where=text("receipts_at IS NULL"),
        ),
    )


DISBURSEMENT = Subject(
    "disbursement",
    Disbursement,
    MACHINE,
    begins=("requested",),
    parent=APPEAL,
    parent_id=Disbursement.appeal_id,
    photos=("disbursement", "receipt"),
)


def find_disbursement(db: Session, number: int) -> Disbursement:
    """Get a disbursement, read anew from the database. Raises NoSuchDisbursement."""
    found = db.get(Disbursement, number, populate_existing=True)
    if found is None:
        raise NoSuchDisbursement(number=number)
    return found


def find_by_code(db: Session, code: str) -> Disbursement | None:
    return db.scalar(select(Disbursement).where(Disbursement.code == code.upper()))


def taken_of_line(db: Session, line_id: int, besides: int = 0) -> int:
    """Sum what is spent or requested of a budget line, in fen; without the disbursement ``besides``."""
    theirs = (Disbursement.line_id == line_id) & Disbursement.state.in_((*UNDER_WAY, *SPENT))
    fen = db.scalar(select(func.sum(Disbursement.amount_fen)).where(theirs, Disbursement.id != besides))
    return int(fen or 0)


def budget_and_spent(db: Session, appeal_id: int) -> list[tuple[str, int, int]]:
    """List the appeal's budget as (item, fen planned, fen paid out of it), in the order it was written."""
    paid = (Disbursement.appeal_id == appeal_id) & Disbursement.state.in_(SPENT)
    spent = func.coalesce(func.sum(Disbursement.amount_fen), 0)
    lines = select(BudgetLine.item, BudgetLine.amount_fen, spent).where(BudgetLine.appeal_id == appeal_id)
    lines = lines.outerjoin(Disbursement, paid & (Disbursement.line_id == BudgetLine.id))
    rows = db.execute(lines.group_by(BudgetLine.id).order_by(BudgetLine.id))
    return [(item, planned, int(fen)) for item, planned, fen in rows]


def asked_of(db: Session, appeal_id: int) -> int:
    """Sum what is requested of an appeal's money and not paid yet, in fen."""
    theirs = (Disbursement.appeal_id == appeal_id) & Disbursement.state.in_(UNDER_WAY)
    return int(db.scalar(select(func.sum(Disbursement.amount_fen)).where(theirs)) or 0)


def transfers_of(db: Session, appeal_id: int) -> Sequence[Disbursement]:
    """List what the fund holder may be transferring of the appeal's money at this moment."""
    theirs = (Disbursement.appeal_id == appeal_id) & (Disbursement.state == TRANSFERRING)
    return db.scalars(select(Disbursement).where(theirs).order_by(Disbursement.id)).all()


def transferring_fen(db: Session, holder_id: int) -> int:
    """Sum what may be leaving a bank account at this moment, in fen."""
    theirs = (Disbursement.holder_id == holder_id) & (Disbursement.state == TRANSFERRING)
    return int(db.scalar(select(func.sum(Disbursement.amount_fen)).where(theirs)) or 0)


def matter_of(disbursement: Disbursement, appeal: Appeal) -> Matter:
    return Matter("disbursement", disbursement.id, appeal.region_code, appeal.household_id, appeal.charity_id)
