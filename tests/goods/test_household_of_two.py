"""What a household asks for and sells is hidden while nobody of it is verified, and waits for somebody at all times."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session as Database

from models.goods.review import approve
from models.goods.rules import STRICT
from models.market.listing import Listing
from models.market.submission import NewListing, mend_listing, submit_listing
from models.people.user import User
from models.public.catalogue import MARKET
from models.staff.member import Staff
from models.staff.recusal import Recusal
from models.staff.task import Task, find_task
from models.verification.case import VALIDITY, Verification, newest_case_of
from models.verification.decisions import on_verified, reinstate, revoke, suspend
from models.verification.lifecycle import expire_and_remind
from tests.harness.erasing import erase_person
from tests.harness.money.checking_books import codes
from tests.harness.stage import Stage
from tests.scenes.goods import endorsed

COUNTY = "431124000000"


@pytest.fixture
def world(database_url: str) -> Iterator[Stage]:
    """Old Wang and his wife are one household, both verified; she sells a basket."""
    stage = Stage(database_url)
    stage.appoint("o-village", "village")
    stage.appoint("o-county", "county", COUNTY)
    old, wife = stage.register("o-old", "resident"), stage.register("o-wife", "resident")
    with Database(stage.database) as db, db.begin():
        house = db.get_one(User, old).household_id
        db.get_one(User, wife).household_id = house
        db.execute(update(Verification).values(household_id=house))
        endorsed(db, db.get_one(User, wife), stage.clock())
        wanted = NewListing("l", "handicraft", "竹篮", "piece", 6_000, 9, None, None)
        number = submit_listing(db, wanted, db.get_one(User, wife), stage.clock()).id
        approve(db, db.get_one(Staff, 1), "listing", number, STRICT, stage.clock())
    yield stage
    stage.close()


def found(stage: Stage) -> list[str]:
    """What the books find. The two were put into one household by hand here, which their figures do not know."""
    return [each for each in codes(stage) if each != "figure_surplus household 2"]


def case_of(stage: Stage, db: Database, user: int) -> Verification:
    case = newest_case_of(db, user)
    assert case
    return case


def stands(stage: Stage) -> tuple[str, bool, bool]:
    """The state of the basket, whether the public sees it, and whether it is somebody's task."""
    with Database(stage.database) as db:
        return (
            db.get_one(Listing, 1).state,
            MARKET.find(db, 1, None) is not None,
            find_task(db, "listing", 1) is not None,
        )


def test_where_one_of_two_is_revoked_what_waits_of_the_other_waits_for_an_officer(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        suspend(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
    assert stands(world) == ("submitted", False, False)  # until the county has decided
    assert found(world) == []
    with Database(world.database) as db, db.begin():
        revoke(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
    assert stands(world) == ("submitted", False, True)
    assert found(world) == []


def test_and_where_the_year_of_the_suspended_one_ends(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        suspend(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
        case_of(world, db, 1).expires_at = world.clock()
        expire_and_remind(db, world.clock())
    assert stands(world) == ("submitted", False, True)
    assert found(world) == []


def test_what_is_on_sale_is_hidden_once_nobody_is_verified_and_comes_back_with_them(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        case_of(world, db, 1).expires_at = world.clock()
        expire_and_remind(db, world.clock())
    assert stands(world) == ("on_sale", True, False)  # she is verified still
    world.clock.move(VALIDITY)
    with Database(world.database) as db, db.begin():
        expire_and_remind(db, world.clock())
    assert stands(world) == ("submitted", False, False)
    told = world.say("o-wife", "消息")
    assert "您家现在没有有效的认证" in told
    assert "再核实一次" in told
    assert found(world) == []
    with Database(world.database) as db, db.begin():
        case = case_of(world, db, 2)
        case.state, case.expires_at = "verified", world.clock() + timedelta(days=1)
        on_verified(db, case.household_id, world.clock())
    assert stands(world) == ("submitted", False, True)
    assert not [code for code in found(world) if code.startswith("task")]


def test_an_erasure_hides_what_the_household_sells_when_nobody_else_is_verified(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        case_of(world, db, 2).expires_at = world.clock()
        expire_and_remind(db, world.clock())
        erase_person(db, world.person("o-old"), world.clock())
    assert stands(world) == ("submitted", False, False)
    assert found(world) == []


def test_the_books_name_what_waits_for_nobody(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        suspend(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
        revoke(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
        db.execute(delete(Recusal))
        db.execute(delete(Task).where(Task.subject == "listing"))
    assert found(world) == ["task_missing listing 1"]


def test_the_books_name_what_is_shown_of_a_household_that_nobody_verified(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        db.execute(update(Verification).values(state="revoked"))
    assert [code for code in found(world) if not code.startswith("state_differs")] == ["shown_unverified listing 1"]


def test_nothing_that_is_mended_while_one_of_two_is_suspended_comes_before_an_officer(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        suspend(db, case_of(world, db, 1), db.get_one(Staff, 2), "complaint", world.clock())
        wanted = NewListing("m", "handicraft", "竹篮", "piece", 6_000, 9, None, None)
        mend_listing(db, db.get_one(Listing, 1), wanted, world.clock())
    assert stands(world) == ("submitted", False, False)
    assert found(world) == []
    with Database(world.database) as db, db.begin():
        reinstate(db, case_of(world, db, 1), db.get_one(Staff, 2), world.clock())
    assert stands(world) == ("submitted", False, True)
    assert found(world) == []
