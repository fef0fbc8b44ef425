"""Households say themselves whether an appeal is to help them; who is counted neither gives nor decides."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import OwnHousehold, get_appeal
from models.appeals.beneficiary import (
    MOST_AT_ONCE,
    Beneficiary,
    NoBeneficiaries,
    answer,
    ask_households,
    asks_as,
    count_beneficiaries,
    join_beneficiaries,
)
from models.giving.pledge import check_open
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import conflict_in, find_task
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.organisations import ask_in_its_name, confirm, publish

VILLAGE = "431124101208"


@pytest.fixture
def road(stage: Stage) -> int:
    stage.register("o-secretary", "resident", VILLAGE, verified=False)
    return ask_in_its_name(stage, confirm(stage, "o-secretary", VILLAGE))


def test_each_household_of_the_place_is_asked_once_and_none_of_elsewhere(stage: Stage, road: int) -> None:
    for name, region in (("a", VILLAGE), ("b", VILLAGE), ("far", DAOXIAN_MEIHUA)):
        stage.register(f"o-{name}", "resident", region)
    stage.register("o-donor", "donor")
    with Session(stage.database) as db, db.begin():
        appeal = get_appeal(db, road, lock=True)
        assert [ask_households(db, appeal, stage.clock()) for _ in range(2)] == [3, 0]
        counted = count_beneficiaries(db, appeal)
    assert (counted.asked, counted.agreed, counted.declined, counted.left) == (3, 0, 0, 0)


def test_a_big_place_is_asked_a_part_at_a_time(stage: Stage, road: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_AT_ONCE == 300
    monkeypatch.setattr("models.appeals.beneficiary.MOST_AT_ONCE", 2)
    for number in range(4):
        stage.register(f"o-{number}", "resident", VILLAGE)
    with Session(stage.database) as db, db.begin():
        appeal = get_appeal(db, road, lock=True)
        assert [ask_households(db, appeal, stage.clock()) for _ in range(4)] == [2, 2, 1, 0]


def test_who_is_counted_gives_nothing_and_who_said_no_may(stage: Stage, road: int) -> None:
    owner = stage.register("o-neighbour", "resident", VILLAGE)
    publish(stage, road)
    now = stage.clock()
    with Session(stage.database) as db, db.begin():
        neighbour, appeal = db.get_one(User, owner), get_appeal(db, road)
        check_open(db, appeal, neighbour, now)
        for said, allowed in (("agreed", False), ("declined", True), ("agreed", False)):
            answer(db, neighbour, road, said, now)
            if allowed:
                check_open(db, appeal, neighbour, now)
            else:
                with pytest.raises(OwnHousehold):
                    check_open(db, appeal, neighbour, now)
        assert asks_as(db, appeal).households == 1  # type: ignore[union-attr]
        assert len(db.scalars(select(Beneficiary)).all()) == 1


def test_an_officer_of_a_household_that_is_counted_decides_nothing_of_it(stage: Stage, road: int) -> None:
    stage.register("o-officer", "resident", VILLAGE)
    seat = stage.appoint("o-officer", "county", "431124000000")
    with Session(stage.database) as db, db.begin():
        task = find_task(db, "appeal", road)
        assert task
        officer, appeal = db.get_one(Staff, seat), get_appeal(db, road, lock=True)
        assert conflict_in(db, officer, task) is None
        ask_households(db, appeal, stage.clock())
        assert conflict_in(db, officer, task) == "own_household"


def test_households_that_join_are_counted_once(stage: Stage, road: int) -> None:
    people = [stage.register(f"o-{number}", "resident", VILLAGE) for number in range(3)]
    now = stage.clock()
    with Session(stage.database) as db, db.begin():
        users = [db.get_one(User, each) for each in people]
        homes = [each.household_id or 0 for each in users]
        for user, said in zip(users, ("declined", "agreed", "agreed"), strict=True):
            answer(db, user, road, said, now)
        join_beneficiaries(db, homes[1], homes[0])
        left = db.execute(select(Beneficiary.household_id, Beneficiary.state)).all()
    assert sorted(map(tuple, left)) == [(homes[0], "declined"), (homes[2], "agreed")]


def test_a_familys_appeal_has_none_and_a_household_of_elsewhere_is_not_counted(stage: Stage, road: int) -> None:
    family, far = stage.open_appeal(), stage.register("o-far", "resident", "430524201000")
    with Session(stage.database) as db:
        with pytest.raises(NoBeneficiaries):
            count_beneficiaries(db, get_appeal(db, family))
        with pytest.raises(NoBeneficiaries):
            answer(db, db.get_one(User, far), road, "agreed", stage.clock())
        assert asks_as(db, get_appeal(db, family)) is None
