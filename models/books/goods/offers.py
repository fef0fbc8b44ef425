"""Check goods: what a household asks for or sells is shown while one of it is verified, and not otherwise."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from models.books.violation import Violation
from models.core.database import stream
from models.goods.review import REVIEWED
from models.verification.case import Verification


def check_goods(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """A year that has just run out counts as verified until the clock has ended it (models.verification.lifecycle)."""
    for kind in REVIEWED.values():
        if not kind.of_household:
            continue
        table = kind.subject.table
        theirs = (Verification.household_id == kind.subject.household) & (Verification.state == "verified")
        verified = select(Verification.id).where(theirs).exists()
        shown = select(table.id, table.state).where(table.state == kind.public, table.looked_at.is_not(None), ~verified)
        for found in stream(connection, shown.order_by(table.id)):
            why = f"stands in {found.state}, and nobody of its household is verified"
            yield Violation("shown_unverified", kind.subject.name, found.id, why)
