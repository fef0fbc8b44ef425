"""Demand that whoever passes or pays a disbursement has opened its pictures since they last changed."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.staff.member import Staff
from models.staff.pictures_opened import demand_opened

# Step -> the subject of the photos that it decides on. The other steps ask the household, not its pictures.
_DECIDED_ON: Mapping[str, str] = {
    "use_endorse": "disbursement",
    "use_approve": "disbursement",
    "use_authorise": "disbursement",
    "use_pay": "disbursement",
    "use_acquit": "receipt",
}


def demand_pictures_opened(db: Session, staff: Staff, number: int, step: str) -> None:
    """Check that this member of staff has opened the pictures that the step decides on. Raises PicturesNotOpened.

    Pictures that were erased with their owner hold nothing up.
    """
    if step in _DECIDED_ON:
        # Evidence is handed in with this move, receipts with this event; nothing else adds pictures.
        handed_in = (AuditEvent.to_state == "evidenced") | (AuditEvent.action == "receipts")
        demand_opened(db, staff, "disbursement", number, changes=handed_in, photos=(_DECIDED_ON[step],))
