"""The job of disbursements."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bot.work.job import Job
from models.disbursements.payout import follow_on

if TYPE_CHECKING:
    from bot.work.errands import Errands


def follow_gifts(errands: "Errands", disbursement_id: int) -> None:
    """Let all gifts give their shares to a payment, a page a transaction; a killed one is gone on with by the clock."""
    while True:
        with Session(errands.database) as db, db.begin():
            if not follow_on(db, disbursement_id, datetime.now(UTC)):
                return


# What is slow may be cut off anywhere, and is begun anew.
JOBS = {"follow_gifts": Job(follow_gifts, "slow", seconds=600)}
