"""What waits is counted by region, with the median of its days, and few are hidden."""

import json
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.figures.folding import count_all_waiting
from models.figures.waiting import FigureWaiting
from models.people.user import User
from models.places.region import COUNTRY, covers
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

_REQUESTS = text(
    "INSERT INTO goods_requests (draft_id, owner_id, household_id, category, item, unit, quantity, reason, region_code,"
    " state, created_at, sort, waits_from) SELECT 'w' || n, :owner, :household, 'other', 'i', 'piece', 1, 'r', :region,"
    " 'open', :now, 's' || n, CAST(:now AS timestamptz) - n * interval '1 day' FROM generate_series(1, :many) n"
)


def requests(stage: Stage, many: int) -> None:
    """So many open requests, which have waited one day, two, three …"""
    user = stage.register("o-wang", "resident")
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, user)
        values = {"owner": user, "household": owner.household_id, "region": DAOXIAN_MEIHUA}
        db.execute(_REQUESTS, {**values, "now": stage.clock(), "many": many})
    count_all_waiting(stage.database, stage.clock())


def waiting(stage: Stage, code: str) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = json.loads(stage.client.get(f"/numbers/{code}.json").data)["waiting"]
    return found


def test_how_many_wait_and_how_long_is_told_from_the_village_to_the_country(stage: Stage) -> None:
    requests(stage, 15)
    for code in (DAOXIAN_MEIHUA, "431124000000", "430000000000", COUNTRY):
        assert waiting(stage, code)["waiting_requests"] == {"count": 15, "days": 8}, code
        assert "15 个，一半等了 8 天以上" in stage.client.get(f"/numbers/{code}").get_data(as_text=True)
    assert waiting(stage, "110000000000")["waiting_requests"] == {"count": None, "days": None}


def test_few_that_wait_are_hidden(stage: Stage) -> None:
    requests(stage, 9)
    assert waiting(stage, COUNTRY)["waiting_requests"] == {"count": None, "days": None}


def test_an_appeal_waits_until_it_is_decided(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.ask("o-wang")
    count_all_waiting(stage.database, stage.clock() + timedelta(days=3, hours=1))
    count_all_waiting(stage.database, stage.clock() + timedelta(days=4, hours=1))
    with Database(stage.database) as db:
        found = db.execute(select(FigureWaiting.level, FigureWaiting.amount, FigureWaiting.days)).all()
    assert [tuple(row) for row in sorted(found)] == [(level, 1, 4) for level in range(5)]


def test_the_whole_country_covers_every_region() -> None:
    assert covers(COUNTRY, DAOXIAN_MEIHUA)
    assert not covers(DAOXIAN_MEIHUA, COUNTRY)
