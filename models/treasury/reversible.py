"""What an entry of the fund holder's has where it was wrong and was taken back (冲正): when, by whom, and why."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import one_of

WHYS = ("amount_wrong", "entered_twice", "wrong_reference")

_STANDS = text("undone_at IS NULL")


class Undone:
    """All of it or nothing; once there, it stays."""

    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    undone_why: Mapped[str | None] = mapped_column(String(16))


def undone_rules(table: str) -> tuple[CheckConstraint | Index, ...]:
    """Of the entries that stand, one has the bank's number: what was undone may be entered anew under its own."""
    whole = "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_why IS NULL)"
    columns = ("holder_id", "bank_reference")
    return (
        one_of("undone_why", WHYS),
        CheckConstraint(whole, name="undone_whole"),
        Index(f"uq_{table}_reference", *columns, unique=True, postgresql_where=_STANDS),
    )
