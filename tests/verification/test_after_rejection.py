"""After a no: nothing of the household stays in review, nothing begins, and no doubt is forgotten."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.words.render import day
from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal
from models.core.state_machine import Actor, By
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import find_task
from models.verification import decisions
from models.verification.case import (
    REMINDER,
    VALIDITY,
    WAIT_AFTER_REJECTION,
    RejectedLately,
    Verification,
    begin_case,
    lock_case,
)
from models.verification.eligibility import check_may_appeal
from tests.harness.stage import Stage
from tests.scenes.cases import DAY, case, person_of, registered, visited

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    stage.appoint("o-chief", "county", COUNTY)
    yield stage
    stage.close()


def suspend(stage: Stage, number: int) -> None:
    with Database(stage.database) as db, db.begin():
        decisions.suspend(db, lock_case(db, number), db.get_one(Staff, 3), "complaint", stage.clock())


def test_a_rejected_household_asks_for_nothing_and_leaves_nothing_in_review(stage: Stage) -> None:
    number = registered(stage, "o-wang")
    appeal = stage.ask("o-wang")
    visited(stage, number, 1, supports=False)
    with Database(stage.database) as db, db.begin():
        decisions.pass_to_county(db, lock_case(db, number), db.get_one(Staff, 2), stage.clock())
        decisions.reject(db, lock_case(db, number), db.get_one(Staff, 3), ["not_in_need"], stage.clock())
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "cancelled"
        assert find_task(db, "appeal", appeal) is None
        with pytest.raises(RejectedLately):
            check_may_appeal(db, lock_case(db, number).household_id)
    stage.say("o-wang", "我的")
    assert "不再往下办" in stage.say("o-wang", "消息")
    for word in ("求助", "众筹"):
        refused = stage.say("o-wang", word)
        assert f"{day(stage.clock() + WAIT_AFTER_REJECTION)}起可以重新核实" in refused
        assert "申诉" in refused


def test_a_revoked_household_asks_for_nothing(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    appeal = stage.ask("o-wang")
    suspend(stage, 1)
    with Database(stage.database) as db, db.begin():
        assert find_task(db, "case", 1).step == "suspended"  # type: ignore[union-attr]
        decisions.revoke(db, lock_case(db, 1), db.get_one(Staff, 3), "complaint", stage.clock())
        assert db.get_one(Appeal, appeal).state == "cancelled"
        assert find_task(db, "appeal", appeal) is find_task(db, "case", 1) is None
    assert "县里撤销了" in stage.say("o-wang", "求助")


def test_a_suspension_ends_with_its_year_and_its_task_with_it(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    suspend(stage, 1)
    stage.clock.move(VALIDITY + DAY)
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, 1).state == "expired"
    with Database(stage.database) as db:
        assert find_task(db, "case", 1) is None


def test_a_doubt_is_not_left_by_a_renewal(stage: Stage) -> None:
    """Neither by one that is withdrawn, to begin anew, nor by one that is verified."""
    stage.register("o-wang", "resident")
    stage.clock.move(VALIDITY - REMINDER + DAY)
    owner = person_of(stage, "o-wang")
    by = Actor(By.OWNER, f"user:{owner.id}")
    with Database(stage.database) as db, db.begin():
        renewal = begin_case(db, db.get_one(User, owner.id), by, stage.clock()).id
    suspend(stage, 1)
    with Database(stage.database) as db, db.begin():
        with pytest.raises(decisions.StillSuspended):
            decisions._demand_not_suspended(db, lock_case(db, renewal))
        db.execute(update(Verification).where(Verification.id == renewal).values(state="withdrawn"))
        assert begin_case(db, db.get_one(User, owner.id), by, stage.clock()).id == 1
        assert db.scalars(select(Verification.state).order_by(Verification.id)).all() == ["suspended", "withdrawn"]
