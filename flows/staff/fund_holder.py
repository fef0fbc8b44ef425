"""Find the fund holder who is speaking, and tell of uncovered bank fees where the bank's money falls short."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.engine.desk import Desk
from models.core.state_machine import By
from models.ledger.errors import PayoutShort
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.treasury.bank_entry import uncovered


def holder(desk: Desk) -> Staff:
    """Get the fund holder who is speaking. Raises NotOnTheStaff."""
    return demand_staff(desk.db, desk.person.account, desk.person.openid, desk.world.now, (By.FUND_HOLDER,))


@contextmanager
def adding_uncovered_fees(desk: Desk) -> Iterator[None]:
    """Add to a PayoutShort how many fen of bank fees have not been covered (``uncovered_fen``)."""
    try:
        yield
    except PayoutShort as lacks:
        raise PayoutShort(**lacks.values, uncovered_fen=uncovered(desk.db, holder(desk))) from lacks
