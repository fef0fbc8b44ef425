"""An appeal on its way to the county."""

from sqlalchemy.orm import Session as Database

from models.verification.case import lock_case
from models.verification.lifecycle import to_township
from tests.scenes.cases import DAY, visited
from tests.support.stage import Stage

COUNTY = "431124000000"


def to_county(stage: Stage, case: int, officer: int) -> None:
    """Visited, its notice over, and drawn by nobody."""
    visited(stage, case, officer)
    stage.clock.move(6 * DAY)
    with Database(stage.database) as db, db.begin():
        found = lock_case(db, case)
        to_township(db, found, stage.clock(), sampled=False)
