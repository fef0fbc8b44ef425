"""The region tree as flows see it: each region with what it is today."""

from sqlalchemy.orm import Session

from flows.engine.world import Region
from models.places import region as tree


def find_places(db: Session, text: str) -> list[Region]:
    """Regions that these words name, by the names of today and of before."""
    found = tree.find_regions(db, text)
    today = tree.living(db, found)
    return [_place(row, today.get(row.code)) for row in found]


def get_place(db: Session, code: str) -> Region | None:
    """The region of this code, if there ever was one."""
    row = db.get(tree.Region, code)
    return _place(row, tree.living(db, [row]).get(code)) if row else None


def _place(row: tree.Region, today: tree.Region | None) -> Region:
    if row.valid_to is None:
        return Region(row.code, row.name, row.full_name)
    successor = Region(today.code, today.name, today.full_name) if today else None
    return Region(row.code, row.name, row.full_name, gone=True, successor=successor)
