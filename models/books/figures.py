"""Check the public figures: recounted from the rows, deltas and sums are right to the last digit."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from models.books.violation import Violation
from models.figures.recount import differences


def check_figures(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """A violation names what a delta counts (its kind and number), or the region of a sum."""
    for found in differences(connection):
        kind, _, number = found.cause.rpartition(":")
        yield Violation(found.code, kind or "figures", int(number), found.words)
