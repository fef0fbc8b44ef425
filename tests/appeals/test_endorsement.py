"""An appeal stands in nobody's queue, and no clock runs, before it is known whose it is."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books import violations
from models.core.database import snapshot
from models.staff.member import Staff
from models.staff.recusal import Recusal
from models.staff.task import Task, find_task
from models.verification import decisions
from models.verification.case import lock_case
from tests.harness.stage import Stage
from tests.scenes.appeals import COUNTY, to_county
from tests.scenes.cases import DAY, registered


def task_of(stage: Stage, number: int) -> Task | None:
    with Database(stage.database, expire_on_commit=False) as db:
        return find_task(db, "appeal", number)


def decide(stage: Stage, case: int, county: int, act: Callable[..., object], *words: object) -> None:
    with Database(stage.database) as db, db.begin():
        act(db, lock_case(db, case), db.get_one(Staff, county), *words, stage.clock())


def books(stage: Stage) -> list[str]:
    with snapshot(stage.settings.database_url) as connection:
        return [each.code for each in violations(connection, stage.clock())]


def test_no_officer_has_an_appeal_of_a_household_that_is_not_verified(stage: Stage) -> None:
    case = registered(stage, "o-wang")
    visitor, other = (stage.appoint(f"o-{name}", "village", work_no=f"W-{name.upper()}") for name in ("qin", "zhou"))
    county = stage.appoint("o-county", "county", COUNTY)
    number = stage.ask("o-wang")
    assert task_of(stage, number) is None
    assert "还没有认证好" in stage.say("o-zhou", f"通过 {number}")
    assert "还没有认证好" in stage.say("o-zhou", f"驳回 {number} 1")
    assert books(stage) == []
    to_county(stage, case, visitor)
    stage.clock.move(3 * DAY)
    decide(stage, case, county, decisions.verify)
    task = task_of(stage, number)
    assert task is not None
    assert (task.step, task.assignee, task.opened_at) == ("endorse", other, stage.clock())
    assert task.due_at == stage.clock() + timedelta(days=5)
    with Database(stage.database) as db:
        assert db.scalars(select(Recusal.reason).where(Recusal.task_id == task.id)).all() == ["verified_them"]
    assert books(stage) == []


def test_staff_are_not_sent_to_what_is_a_residents(stage: Stage) -> None:
    registered(stage, "o-wang")
    number = stage.ask("o-wang")
    stage.appoint("o-county", "county", COUNTY)
    said = stage.say("o-county", f"冻结 {number} 1")
    assert stage.said == ["replies/refusals:wrong_state"]
    assert "待办" in said
    assert "我的" not in said


def test_what_was_handed_in_while_a_household_was_stopped_is_not_forgotten(stage: Stage) -> None:
    case = registered(stage, "o-wang")
    visitor, county = stage.appoint("o-qin", "village"), stage.appoint("o-county", "county", COUNTY)
    to_county(stage, case, visitor)
    decide(stage, case, county, decisions.verify)
    before = stage.ask("o-wang")
    decide(stage, case, county, decisions.suspend, "complaint")
    number = stage.ask("o-wang", category="housing")
    assert (task_of(stage, before) is None, task_of(stage, number) is None) == (False, True)
    decide(stage, case, county, decisions.reinstate)
    assert task_of(stage, number) is not None
    assert books(stage) == []


def test_an_appeal_of_a_verified_household_without_a_task_is_named_by_the_books(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    assert task_of(stage, number) is not None
    with Database(stage.database) as db, db.begin():
        task = find_task(db, "appeal", number)
        assert task is not None
        task.closed_at = stage.clock()
        assert db.get_one(Appeal, number).state == "submitted"
    assert books(stage) == ["task_missing"]
