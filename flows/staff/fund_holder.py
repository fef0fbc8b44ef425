"""Find the fund holder who is speaking, and tell of uncovered bank fees where the bank's money falls short."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.engine.turn import TurnContext
from models.core.state_machine import By
from models.ledger.errors import PayoutShort
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.treasury.bank_entry import uncovered


def holder(turn: TurnContext) -> Staff:
    """Get the fund holder who is speaking. Raises NotOnTheStaff."""
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, (By.FUND_HOLDER,))


@contextmanager
def adding_uncovered_fees(turn: TurnContext) -> Iterator[None]:
    """Add to a PayoutShort how many fen of bank fees have not been covered (``uncovered_fen``)."""
    try:
        yield
    except PayoutShort as lacks:
        raise PayoutShort(**lacks.values, uncovered_fen=uncovered(turn.db, holder(turn))) from lacks
