"""Who sells is seen by the village and endorsed by the county, by two people, for a year, and may be stopped."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session as Database

from models.core.state_machine import SYSTEM, NotYours, WrongState
from models.families.moving import lock_households, move
from models.market.listing import Listing
from models.market.seller import VALIDITY, Seller
from models.market.statement import OverPlot
from models.market.submission import NewListing, submit_listing
from models.market.suspension import expire_sellers, resume, suspend
from models.oversight.image_match import other_sellers
from models.people.photo import Photo, fingerprint_columns
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Task, find_task
from models.staff.turn import HasConflict, NotYourTurn
from tests.harness.drawn_pictures import FOUND
from tests.harness.stage import Stage
from tests.scenes.orchard import COUNTY, Orchard


@pytest.fixture
def orchard(database_url: str) -> Iterator[Orchard]:
    stage = Stage(database_url)
    orchard = Orchard(stage)
    stage.appoint("o-village", "village")
    stage.appoint("o-county", "county", COUNTY)
    yield orchard
    stage.close()


VILLAGE, OF_COUNTY = 1, 2


def task_of(orchard: Orchard, number: int) -> Task | None:
    with orchard.session() as db:
        return find_task(db, "listing", number)


def seller_state(orchard: Orchard) -> str:
    with orchard.session() as db:
        return db.scalars(select(Seller.state)).one()


def test_the_village_and_then_the_county_look_and_the_next_listing_is_the_villages(orchard: Orchard) -> None:
    number = orchard.lists(orchard.oranges(100))
    assert orchard.looks(VILLAGE, number) == "submitted"
    assert seller_state(orchard) == "seen"
    assert orchard.looks(OF_COUNTY, number) == "on_sale"
    assert seller_state(orchard) == "endorsed"
    assert orchard.looks(VILLAGE, orchard.lists(orchard.oranges(100))) == "on_sale"
    assert orchard.wrong() == []


def test_one_person_never_does_both(orchard: Orchard) -> None:
    """The village has nobody, so that the county's officer looks at the land; a colleague looks at the price."""
    with orchard.session() as db:
        db.get_one(Staff, VILLAGE).state = "revoked"
    number = orchard.lists(orchard.oranges(100))
    assert orchard.looks(OF_COUNTY, number) == "submitted"
    task = task_of(orchard, number)
    assert task
    assert task.assignee is None
    with pytest.raises(HasConflict):
        orchard.looks(OF_COUNTY, number)
    other = orchard.stage.appoint("o-other", "county", COUNTY, work_no="N-other")
    assert orchard.looks(other, number) == "on_sale"


def test_an_officer_who_sells_sees_none_of_it(orchard: Orchard) -> None:
    own = orchard.stage.appoint("o-long", "county", COUNTY, work_no="N-long")
    number = orchard.lists(orchard.oranges(100))
    orchard.looks(VILLAGE, number)
    task = task_of(orchard, number)
    assert task
    assert task.assignee == OF_COUNTY
    with pytest.raises((HasConflict, NotYourTurn)):
        orchard.looks(own, number)
    with orchard.session() as db, pytest.raises(HasConflict):
        suspend(db, db.get_one(Staff, own), number, ["reseller"], orchard.stage.clock())


@pytest.mark.parametrize(
    ("fen", "step"),
    [(200, None), (299, None), (330, None), (331, "listing"), (900, "listing")],
)
def test_a_price_that_rises_by_more_than_a_tenth_is_looked_at_again(
    orchard: Orchard, fen: int, step: str | None
) -> None:
    number = orchard.sells(100, fen=300)
    orchard.mends(number, orchard.oranges(90, fen=fen))
    task = task_of(orchard, number)
    assert (task and task.step) == step
    if step:
        assert orchard.looks(VILLAGE, number) == "submitted"
        assert orchard.looks(OF_COUNTY, number) == "on_sale"


def test_many_small_steps_are_one_rise(orchard: Orchard) -> None:
    number = orchard.sells(100, fen=300)
    kept = [not orchard.mends(number, orchard.oranges(100, fen=fen)) for fen in (315, 330, 345)]
    assert kept == [True, True, False]


def test_a_price_above_the_usual_ones_is_the_countys_too(orchard: Orchard) -> None:
    orchard.sells(100)
    number = orchard.lists(orchard.oranges(100, fen=501))
    assert orchard.looks(VILLAGE, number) == "submitted"
    task = task_of(orchard, number)
    assert task
    assert (task.step, task.role) == ("listing_price", "county")


def test_all_that_a_stopped_seller_lists_is_hidden_until_two_have_looked_again(orchard: Orchard) -> None:
    first, second = orchard.sells(100), orchard.lists(orchard.oranges(50))
    with orchard.session() as db:
        county, village = db.get_one(Staff, OF_COUNTY), db.get_one(Staff, VILLAGE)
        with pytest.raises(NotYours):
            suspend(db, village, first, ["reseller"], orchard.stage.clock())
        suspend(db, county, first, ["reseller"], orchard.stage.clock())
        with pytest.raises(WrongState):
            suspend(db, county, first, ["reseller"], orchard.stage.clock())
    assert [orchard.state(number) for number in (first, second)] == ["submitted", "submitted"]
    assert [task_of(orchard, number) for number in (first, second)] == [None, None]
    third = orchard.lists(orchard.oranges(10))
    assert task_of(orchard, third) is None
    assert orchard.wrong() == []
    with orchard.session() as db:
        resume(db, db.get_one(Staff, OF_COUNTY), first, orchard.stage.clock())
    assert all(task_of(orchard, number) for number in (first, second, third))
    assert orchard.looks(VILLAGE, first) == "submitted"
    assert orchard.looks(OF_COUNTY, first) == "on_sale"
    assert orchard.wrong() == []


def test_after_a_year_the_village_and_the_county_look_again(orchard: Orchard) -> None:
    number = orchard.sells(100)
    orchard.stage.clock.move(VALIDITY - timedelta(days=1))
    orchard.stage.verify_all()
    with orchard.session() as db:
        assert expire_sellers(db, orchard.stage.clock()) == 0
    orchard.stage.clock.move(timedelta(days=1))
    with orchard.session() as db:
        assert expire_sellers(db, orchard.stage.clock()) == 1
        assert expire_sellers(db, orchard.stage.clock()) == 0
    assert (seller_state(orchard), orchard.state(number)) == ("expired", "submitted")


@pytest.mark.slow  # the whole way of a join
def test_where_two_households_join_their_land_adds_up_and_one_of_them_sells(orchard: Orchard) -> None:
    chen = orchard.stage.register("o-chen", "resident")
    number = orchard.sells(5_000)
    orchard.owner, own = chen, orchard.owner
    orchard.sells(5_000)
    with orchard.session() as db:
        source, target = (db.get_one(User, user).household_id for user in (chen, own))
        households = {each.id: each for each in lock_households(db, [source or 0, target or 0])}
        move(db, [chen], households[source or 0], households[target or 0], SYSTEM, orchard.stage.clock())
    orchard.owner = own
    orchard.lists(orchard.oranges(600, plot=200))
    with pytest.raises(OverPlot):
        orchard.lists(orchard.oranges(100, plot=200))
    assert orchard.state(number) == "on_sale"
    assert orchard.wrong() == []


def test_a_photo_of_another_sellers_is_named_to_the_officer(orchard: Orchard) -> None:
    orchard.stage.register("o-chen", "resident")
    own, other = orchard.lists(orchard.oranges(100)), 0
    with Database(orchard.stage.database) as db, db.begin():
        chen = db.scalars(select(User).order_by(User.id.desc())).first()
        assert chen
        basket = NewListing("chen", "handicraft", "竹篮", "piece", 6_000, 9, None, None)
        other = submit_listing(db, basket, chen, orchard.stage.clock()).id
        kept = {
            "media_id": "m",
            "pic_url": "",
            "state": "kept",
            "created_at": orchard.stage.clock(),
        }
        for number in (own, own, other):
            shown = {"subject": "listing", "subject_id": number, **kept, **fingerprint_columns(FOUND)}
            db.execute(insert(Photo).values(shown))
        assert other_sellers(db, own) == [other]
        assert other_sellers(db, other) == [own]
        assert db.get_one(Listing, other).crop is None
    assert f"照片和别人家的集市 {other} 号一样" in orchard.stage.say("o-village", f"看 集市{own}")
