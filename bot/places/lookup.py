"""Look up regions for the flows, each with its successor of today."""

from sqlalchemy.orm import Session

from flows.engine.world import Region
from models.places import region as tree


def find_places(db: Session, text: str, *, near: str = "") -> list[Region]:
    """Return the regions that these words name, by present and former names; of several those around ``near``."""
    found = tree.find_regions(db, text, near=near)
    today = tree.current_regions(db, found)
    return [_place(row, today.get(row.code)) for row in found]


def get_place(db: Session, code: str) -> Region | None:
    """Return the region of this code, present or former, or None."""
    row = db.get(tree.Region, code)
    return _place(row, tree.current_regions(db, [row]).get(code)) if row else None


def _place(row: tree.Region, today: tree.Region | None) -> Region:
    if row.valid_to is None:
        return Region(row.code, row.name, row.full_name)
    successor = Region(today.code, today.name, today.full_name) if today else None
    return Region(row.code, row.name, row.full_name, gone=True, successor=successor)
