"""Of two appeals of a category under review the newer is frozen at a join, and every frozen one has its end."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import IN_REVIEW, MACHINE, Appeal, OlderIsOpen, get_appeal
from models.appeals.correction import CannotChange, withdraw
from models.appeals.review import cancel_frozen, resume_by_county
from models.appeals.submission import OnePerCategory, check_category_free, family_of
from models.core.state_machine import SYSTEM, Actor, By
from models.families.moving import lock_households, move
from models.giving.funding import cancel_overdue_reviews
from models.people.user import User
from models.rights.erasure.standing import show_standing
from models.staff.member import Staff
from models.staff.task import close_task, find_task
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage
from tests.scenes.cases import person_of
from tests.scenes.families import in_order, join

OFFICER, COUNTY = Actor(By.VILLAGE, "staff:0"), Actor(By.COUNTY, "staff:0")
OLDER, NEWER = 1, 2
WAY = (
    ("village_review", OFFICER),
    ("endorsed", OFFICER),
    ("county_review", COUNTY),
    ("fund_holder_filed", Actor(By.FUND_HOLDER, "staff:0")),
)


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """Wang and Li ask for the same category; both are under review."""
    stage = Stage(database_url)
    stage.appoint("o-county", "county", "431124000000")
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
        stage.ask(openid)
    yield stage
    stage.close()


def bring(db: Database, stage: Stage, number: int, state: str) -> None:
    appeal, now = get_appeal(db, number, lock=True), stage.clock()
    for to, by in WAY if state in dict(WAY) else WAY[:1] * (state == "returned"):
        close_task(db, "appeal", number, now)
        MACHINE.move(db, appeal, to, by, now)
        if to == state:
            break
    if state == "returned":
        MACHINE.move(db, appeal, state, OFFICER, now)


def joined(stage: Stage, state: str = "submitted") -> None:
    """The newer stands in this state as the two households are found to be one."""
    wang, li = (person_of(stage, openid) for openid in ("o-wang", "o-li"))
    with Database(stage.database) as db, db.begin():
        bring(db, stage, NEWER, state)
        source, target = li.household_id or 0, wang.household_id or 0
        held = {each.id: each for each in lock_households(db, [source, target])}
        assert [each.id for each in move(db, [li.id], held[source], held[target], SYSTEM, stage.clock())] == [NEWER]


def read(stage: Stage, number: int = NEWER) -> Appeal:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(Appeal, number)


def resume(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        resume_by_county(db, db.scalars(select(Staff)).one(), NEWER, stage.clock())


def end_older(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        withdraw(db, db.get_one(User, person_of(stage, "o-wang").id), OLDER, stage.clock())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("state", IN_REVIEW)
def test_in_each_state_of_the_review_the_newer_waits_for_the_county_and_is_reviewed_anew(
    stage: Stage, state: str
) -> None:
    joined(stage, state)
    assert (read(stage, OLDER).state, read(stage).state, read(stage).was) == ("submitted", "frozen", state)
    with pytest.raises(OlderIsOpen):
        resume(stage)
    end_older(stage)
    resume(stage)
    found = read(stage)
    with Database(stage.database) as db:
        task = find_task(db, "appeal", NEWER)
    if state == "returned":
        assert (found.state, found.round, task) == ("returned", 1, None)
    else:
        assert (found.state, found.round, found.endorsed_by) == ("submitted", 2, None)
        assert task
        assert task.step == "endorse"
    assert found.beside == 0


def test_it_is_nobodys_to_change_meanwhile_nor_public_and_it_lapses_with_its_last_day(stage: Stage) -> None:
    joined(stage)
    li = person_of(stage, "o-li").id
    stage.register("o-donor", "donor")
    assert "缝纫机" not in stage.say("o-donor", f"看 {NEWER}")
    with Database(stage.database) as db, db.begin():
        user = db.get_one(User, li)
        with pytest.raises(CannotChange):
            withdraw(db, user, NEWER, stage.clock())
        with pytest.raises(OnePerCategory):
            check_category_free(db, family_of(user), "industry", stage.clock())
        assert not any(hold.name == str(NEWER) for hold in show_standing(db, None, li).holds)
    stage.clock.move(timedelta(days=62))
    with Database(stage.database) as db, db.begin():
        assert {each.id for each in cancel_overdue_reviews(db, stage.clock())} == {OLDER, NEWER}
        assert find_task(db, "appeal", NEWER) is None
    assert read(stage).state == "cancelled"


def test_with_its_owners_data_it_ends(stage: Stage) -> None:
    joined(stage)
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-li"), stage.clock())
    assert read(stage).state == "cancelled"


@pytest.mark.slow  # an answer of the township, and all books
def test_after_the_townships_answer_and_the_countys_end_all_books_are_right(stage: Stage) -> None:
    join(stage, stage.appoint("o-town", "township"), "o-wang", "o-li")
    assert read(stage).state == "frozen"
    assert in_order(stage) == []
    with Database(stage.database) as db, db.begin():
        county = db.scalars(select(Staff).where(Staff.role == "county")).one()
        cancel_frozen(db, county, NEWER, "false_information", stage.clock())
    assert read(stage).state == "cancelled"
    assert in_order(stage) == []
