"""List a queue to be taken along as a file, and record who took it: which list, and how many rows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.desk.lines import list_lines
from models.desk.rows import Row, rows_of
from models.staff.member import Staff

MOST_ROWS = 10_000
# What the audit trail calls such a list; its number is the seat's.
_LIST = "desk_list"
_ALL = "all"


def list_for_export(db: Session, staff: Staff, what: str, now: datetime) -> Sequence[Row]:
    """Describe the first MOST_ROWS lines of the queue, and record the look in the caller's transaction.

    ``what``: only this kind of thing; empty: all. No user finds it in their access log, since no row is about anybody.
    """
    rows = rows_of(db, staff, list_lines(db, staff, MOST_ROWS, what=what), now)
    purpose = f"exported {what or _ALL} {len(rows)}"
    record_reading(db, at=now, actor=staff.actor.name, subject=_LIST, subject_id=staff.id, purpose=purpose)
    return rows
