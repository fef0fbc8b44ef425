"""Choose which counts are hidden: those below ten, and what would give them away by subtraction.

Counts stand in a table with a row for each region below another, and a column for each month and one for all months.
In it each row adds up to its last column, and each column to the region above, whose own row is published as well.

A count is safe while it could be another one: while hidden counts make a loop along rows and columns, one can grow by
one and the others give way, and every sum that is shown stays as it is. So two rows, the carriers, hide every column
in which anything is hidden, and each other row that hides a count hides two. Such loops leave the row of the region
above as it is; and what that row hides, a carrier hides too, so that it gives way one level below as well. Hidden
counts of a row or a column come to ten at least, or their sum would be as good as one of them.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

# Counts below this are hidden.
LEAST = 10

Key = TypeVar("Key", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)
Row = Mapping[Column, int]


def hide_row(row: Row[Column], total: Column, least: int = LEAST) -> set[Column]:
    """Choose what is hidden of the row that stands above all others: the whole country's."""
    hidden = {column for column, count in row.items() if count < least}
    _complete(row, hidden, total, least)
    return hidden


def hide_rows(
    above: set[Column], rows: Mapping[Key, Row[Column]], total: Column, least: int = LEAST
) -> dict[Key, set[Column]]:
    """Choose what is hidden of these rows, given which columns are hidden of the row that they add up to.

    All rows have the same columns. A single row is the one above over again.
    """
    if len(rows) == 1:
        return {key: set(above) for key in rows}
    hidden = {key: {column for column, count in row.items() if count < least} for key, row in rows.items()}
    carriers = sorted(rows, key=lambda key: (rows[key][total] < least, rows[key][total]))[:2]
    before = -1
    while before != (before := sum(map(len, hidden.values()))):
        every: set[Column] = set().union(above, *hidden.values())
        for carrier in carriers:
            hidden[carrier] |= every
        for key, row in rows.items():
            _complete(row, hidden[key], total, least)
        for column in every - above:
            _complete_column(column, rows, hidden, least)
    return hidden


def _complete(row: Row[Column], hidden: set[Column], total: Column, least: int) -> None:
    """Hide more of a row, the smallest first, until what is hidden cannot be told from what is shown of it."""
    shown = sorted(
        (column for column in row if column not in hidden), key=lambda column: (column == total, row[column])
    )
    while hidden and shown and (len(hidden) == 1 or not _hides_enough(row, hidden, total, least)):
        hidden.add(shown.pop(0))


def _hides_enough(row: Row[Column], hidden: set[Column], total: Column, least: int) -> bool:
    return total in hidden or sum(row[column] for column in hidden) >= least


def _complete_column(
    column: Column, rows: Mapping[Key, Row[Column]], hidden: Mapping[Key, set[Column]], least: int
) -> None:
    """Hide more rows of a column whose sum is shown, the smallest first, until they come to ``least``."""
    shown: Sequence[Key] = sorted((key for key in rows if column not in hidden[key]), key=lambda key: rows[key][column])
    missing = least - sum(row[column] for key, row in rows.items() if column in hidden[key])
    for key in shown:
        if missing <= 0:
            break
        hidden[key].add(column)
        missing -= rows[key][column]
