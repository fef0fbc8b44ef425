"""What an appeal's money may be spent on, and how much of it: one line of its budget, and no more than is held."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.core.refusal import Refusal
from models.disbursements.disbursement import Disbursement, asked_of, taken_of_line
from models.giving.refund_run import SURPLUS, is_given_back
from models.ledger import held

# Nobody spends while gifts still come in, or after the accounts are closed.
SPENDABLE = ("funded", "minimum_met", "executing")


class NotSpendable(Refusal):
    """The appeal is stopped, still collects, or is over (``state``), or its owner needs no more (SURPLUS)."""

    code = "not_spendable"
    final = True


class OverLine(Refusal):
    """``left_fen`` of the budget line ``item`` are neither spent nor asked for."""

    code = "over_line"
    step = "amount"


class OverHeld(Refusal):
    """``free_fen`` are held for the appeal and not asked for yet."""

    code = "over_held"
    step = "amount"


class NoSuchLine(Refusal):
    code = "no_such_line"
    final = True


def check_spendable(db: Session, appeal: Appeal) -> None:
    """Raises NotSpendable."""
    if appeal.state not in SPENDABLE:
        raise NotSpendable(number=appeal.id, state=appeal.state)
    if db.scalar(select(is_given_back(appeal.id))):
        raise NotSpendable(number=appeal.id, state=SURPLUS)


def is_spendable(db: Session, appeal: Appeal) -> bool:
    """As ``check_spendable``."""
    return appeal.state in SPENDABLE and not db.scalar(select(is_given_back(appeal.id)))


def line_of(db: Session, appeal_id: int, line_id: int) -> BudgetLine:
    """Raises NoSuchLine."""
    line = db.get(BudgetLine, line_id)
    if line is None or line.appeal_id != appeal_id:
        raise NoSuchLine(number=appeal_id)
    return line


def appeal_of_line(db: Session, line_id: int) -> int:
    """Raises NoSuchLine."""
    found = db.scalar(select(BudgetLine.appeal_id).where(BudgetLine.id == line_id))
    if found is None:
        raise NoSuchLine(number=0)
    return found


def check_amount(db: Session, line: BudgetLine, amount_fen: int) -> None:
    """May so much be asked for beside what is? Raises OverLine or OverHeld."""
    left = line.amount_fen - taken_of_line(db, line.id)
    if amount_fen > left:
        raise OverLine(left_fen=left, item=line.item)
    free = held(db, [line.appeal_id])[line.appeal_id] - asked_of(db, line.appeal_id)
    if amount_fen > free:
        raise OverHeld(free_fen=max(0, free))


def recheck(db: Session, disbursement: Disbursement, appeal: Appeal) -> None:
    """As things are now: of two that are asked for and are too much together, the first to be paid is.

    Raises NotSpendable, OverLine or OverHeld.
    """
    check_spendable(db, appeal)
    line, fen = db.get_one(BudgetLine, disbursement.line_id), held(db, [appeal.id])[appeal.id]
    left = line.amount_fen - taken_of_line(db, line.id, disbursement.id)
    if disbursement.amount_fen > left:
        raise OverLine(left_fen=left, item=line.item)
    if disbursement.amount_fen > fen:
        raise OverHeld(free_fen=fen)
