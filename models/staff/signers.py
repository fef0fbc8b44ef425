"""Check two members of staff who answer together for what is done about a person."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import By
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, all_seats_of

Signers = tuple[Staff, Staff]


class CannotSign(Exception):
    """A member of staff cannot answer for it. ``why``: same (one person), not_serving, place, conflict."""

    def __init__(self, why: str, work_no: str) -> None:
        super().__init__(why)
        self.why, self.work_no = why, work_no


class SignerGone(Refusal):
    """In the chat: the officer ``work_no`` cannot answer for the thing (``subject``, ``number``) any more."""

    code = "signer_gone"


def check_signers(
    db: Session, by: Signers, household_id: int | None, place: str | None, now: datetime, *, county: bool
) -> None:
    """Check that both serve, at ``place`` if it is known, without a tie to the household. Raises CannotSign.

    ``county``: only seats of the county do.
    """
    first, second = by
    if second.id in all_seats_of(db, [first.id]):
        raise CannotSign("same", second.work_no)
    barred = conflicts_with(db, household_id)
    for staff in by:
        if not staff.is_serving(now):
            raise CannotSign("not_serving", staff.work_no)
        if (county and staff.role != By.COUNTY) or (place is not None and not staff.covers(place)):
            raise CannotSign("place", staff.work_no)
        if staff.id in barred:
            raise CannotSign("conflict", staff.work_no)
