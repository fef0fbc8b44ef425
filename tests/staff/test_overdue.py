"""What is overdue where nobody is above stays with its holder, and nobody hears that it went away."""

from datetime import timedelta

from sqlalchemy.orm import Session as Database

from models.staff.queue import escalate_overdue
from models.staff.task import find_task
from tests.harness.stage import Stage
from tests.scenes.appeals import COUNTY, to_county
from tests.scenes.cases import registered


def escalate(stage: Stage) -> int:
    with Database(stage.database) as db, db.begin():
        return escalate_overdue(db, stage.clock())


def test_a_county_never_hears_that_its_own_task_went_to_somebody_else(stage: Stage) -> None:
    case, visitor = registered(stage, "o-wang"), stage.appoint("o-qin", "village")
    holder, other = (stage.appoint(f"o-county-{n}", "county", COUNTY, f"C-{n}") for n in (1, 2))
    to_county(stage, case, visitor)
    stage.clock.move(timedelta(days=4))
    assert (escalate(stage), escalate(stage)) == (1, 0)
    with Database(stage.database) as db:
        task = find_task(db, "case", case)
        assert task is not None
        assert (task.role, task.assignee) == ("county", holder)
    told = stage.say("o-county-1", "待办")
    assert "还在您手里" in told
    assert "转给" not in told
    assert "过期" not in stage.say("o-county-2", "待办")
    stage.clock.move(timedelta(hours=23))
    assert escalate(stage) == 0
    stage.clock.move(timedelta(hours=2))
    assert escalate(stage) == 1
    assert other != holder
