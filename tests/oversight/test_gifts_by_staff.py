"""What officers give themselves is counted apart: it is no measure of help found."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.giving.pledge import Pledge
from models.staff.member import Staff
from tests.harness.stage import Stage


@pytest.mark.parametrize(
    ("role", "change", "counted_apart"),
    [
        (None, {}, False),
        ("village", {}, True),
        ("county", {}, True),
        ("village", {"state": "revoked"}, False),
        ("village", {"active_until": timedelta(0)}, False),
    ],
    ids=str,
)
def test_a_gift_by_an_active_member_of_staff_is_marked(
    stage: Stage, role: str | None, change: dict[str, object], counted_apart: bool
) -> None:
    number = stage.open_appeal()
    stage.register("o-li", "donor")
    if role:
        staff = stage.appoint("o-li", role)
        values = {n: stage.clock() + v if isinstance(v, timedelta) else v for n, v in change.items()}
        with Database(stage.database) as db, db.begin():
            db.execute(update(Staff).where(Staff.id == staff).values(active_from=stage.clock(), **values))
    stage.say("o-li", f"捐 {number} 50元")
    stage.say("o-li", "1")
    stage.say("o-li", "确认")
    with Database(stage.database) as db:
        pledge = db.scalars(select(Pledge)).one()
        assert (pledge.amount_fen, pledge.by_staff) == (5_000, counted_apart)
