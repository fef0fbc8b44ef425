"""Check that a disbursement fits its appeal: the state, one budget line's rest, and the money that is held."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.core.refusal import Refusal
from models.disbursements.disbursement import Disbursement, asked_of, taken_of_line
from models.giving.refund_run import SURPLUS, is_being_refunded
from models.ledger import held

# No money is paid out while the appeal still collects, nor after its accounts are closed.
SPENDABLE = ("funded", "minimum_met", "executing")


class NotSpendable(Refusal):
    """The appeal is frozen, still collects, or is over (``state``), or its surplus is being refunded (SURPLUS)."""

    code = "not_spendable"
    final = True


class OverLine(Refusal):
    """The amount exceeds ``left_fen``, what of the budget line ``item`` is neither spent nor requested."""

    code = "over_line"
    step = "amount"


class OverHeld(Refusal):
    """The amount exceeds ``free_fen``, what is held for the appeal and not requested yet."""

    code = "over_held"
    step = "amount"


class NoSuchLine(Refusal):
    code = "no_such_line"
    final = True


def check_spendable(db: Session, appeal: Appeal) -> None:
    """Raise NotSpendable unless money of this appeal may be paid out."""
    if appeal.state not in SPENDABLE:
        raise NotSpendable(number=appeal.id, state=appeal.state)
    if db.scalar(select(is_being_refunded(appeal.id))):
        raise NotSpendable(number=appeal.id, state=SURPLUS)


def is_spendable(db: Session, appeal: Appeal) -> bool:
    """Tell whether money of this appeal may be paid out; the rule of ``check_spendable``."""
    return appeal.state in SPENDABLE and not db.scalar(select(is_being_refunded(appeal.id)))


def line_of(db: Session, appeal_id: int, line_id: int) -> BudgetLine:
    """Get a budget line of this appeal. Raises NoSuchLine."""
    line = db.get(BudgetLine, line_id)
    if line is None or line.appeal_id != appeal_id:
        raise NoSuchLine(number=appeal_id)
    return line


def appeal_of_line(db: Session, line_id: int) -> int:
    """Return the appeal id of a budget line. Raises NoSuchLine."""
    found = db.scalar(select(BudgetLine.appeal_id).where(BudgetLine.id == line_id))
    if found is None:
        raise NoSuchLine(number=0)
    return found


def check_amount(db: Session, line: BudgetLine, amount_fen: int) -> None:
    """Check that so much may be requested beside all other requests. Raises OverLine or OverHeld."""
    left = line.amount_fen - taken_of_line(db, line.id)
    if amount_fen > left:
        raise OverLine(left_fen=left, item=line.item)
    free = held(db, [line.appeal_id])[line.appeal_id] - asked_of(db, line.appeal_id)
    if amount_fen > free:
        raise OverHeld(free_fen=max(0, free))


def check_again(db: Session, disbursement: Disbursement, appeal: Appeal) -> None:
    """Check a request again before it moves on. Of two that exceed the held money together, the first may be paid.

    Raises NotSpendable, OverLine or OverHeld.
    """
    check_spendable(db, appeal)
    line, fen = db.get_one(BudgetLine, disbursement.line_id), held(db, [appeal.id])[appeal.id]
    left = line.amount_fen - taken_of_line(db, line.id, disbursement.id)
    if disbursement.amount_fen > left:
        raise OverLine(left_fen=left, item=line.item)
    if disbursement.amount_fen > fen:
        raise OverHeld(free_fen=fen)
