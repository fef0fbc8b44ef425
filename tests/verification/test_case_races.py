"""What is decided on a household at the same moment, on PostgreSQL: the later one sees what the earlier one did."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals import review
from models.appeals.appeal import Appeal
from models.appeals.correction import own_appeal, resubmit
from models.appeals.submission import NewAppeal
from models.core.state_machine import Actor, By
from models.people.user import User
from models.rights.erasure import erase_person
from models.staff.member import Staff
from models.staff.task import Task, open_task
from models.verification import decisions
from models.verification.case import NotVerified, begin_case, get_case, withdraw
from tests.harness.stage import Stage
from tests.scenes.cases import case, person_of, seen_in_need

COUNTY = "431124000000"


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Stage]:
    stage = Stage(new_database())
    stage.appoint("o-zhou", "village")
    stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident")
    yield stage
    stage.close()


def together(stage: Stage, first: Callable[[Database], Any], second: Callable[[Database], Any]) -> Any:
    """The second begins while the first has not committed; returns what the second came to."""

    def run() -> Any:
        with Database(stage.database) as db, db.begin():
            return second(db)

    with ThreadPoolExecutor(1) as pool:
        with Database(stage.database) as db, db.begin():
            first(db)
            later = pool.submit(run)
        return later.result(10)


def test_no_appeal_is_published_past_a_suspension_of_its_household(stage: Stage) -> None:
    number = stage.ask("o-wang")
    together(
        stage,
        lambda db: review.approve(db, db.get_one(Staff, 1), number, stage.clock()),
        lambda db: decisions.suspend(db, get_case(db, 1), db.get_one(Staff, 2), "complaint", stage.clock()),
    )
    with Database(stage.database) as db:
        assert db.get_one(Appeal, number).state == "frozen"


def test_no_appeal_is_published_while_its_household_is_being_suspended(stage: Stage) -> None:
    number = stage.ask("o-wang")
    with pytest.raises(NotVerified):
        together(
            stage,
            lambda db: decisions.suspend(db, get_case(db, 1), db.get_one(Staff, 2), "complaint", stage.clock()),
            lambda db: review.approve(db, db.get_one(Staff, 1), number, stage.clock()),
        )


def test_a_suspended_household_does_not_leave_and_begin_anew(stage: Stage) -> None:
    user = person_of(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        decisions.suspend(db, get_case(db, 1), db.get_one(Staff, 2), "complaint", stage.clock())
        withdraw(db, user.id, Actor(By.OWNER, f"user:{user.id}"), stage.clock())
        assert begin_case(db, user, Actor(By.OWNER, f"user:{user.id}"), stage.clock()).id == 1
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-wang"), stage.clock())
    assert case(stage, 1).state == "suspended"


def test_what_its_owner_changes_while_the_household_is_being_verified_comes_to_an_officer_once(stage: Stage) -> None:
    owner = stage.register("o-li", "resident", verified=False)
    number = stage.ask("o-li")
    with Database(stage.database) as db, db.begin():
        theirs = get_case(db, 2)
        theirs.state = "county_review"
        seen_in_need(db, theirs, 1, stage.clock())
        open_task(db, theirs.matter, "county_review", stage.clock())

    def change(db: Database) -> None:
        appeal = own_appeal(db, db.get_one(User, owner), number, lock=True)
        resubmit(db, appeal, wanted(appeal), stage.clock())

    together(stage, lambda db: decisions.verify(db, get_case(db, 2), db.get_one(Staff, 2), stage.clock()), change)
    with Database(stage.database) as db:
        assert db.get_one(Appeal, number).round == 2
        assert [task.step for task in db.scalars(select(Task).where(Task.closed_at.is_(None)))] == ["endorse"]


def wanted(appeal: Appeal) -> NewAppeal:
    """The same again under another title."""
    same = {name: getattr(appeal, name) for name in ("kind", "category", "story", "region_code", "target_fen")}
    budget = [("缝纫机", appeal.target_fen)]
    return NewAppeal(draft_id="again", title="买两台缝纫机", deadline=appeal.deadline, budget=budget, **same)
