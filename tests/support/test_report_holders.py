"""Who looks into a report goes on being able to, and whom it concerns by now does not get it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.core.audit_trail import AuditEvent
from models.staff.member import Staff
from models.staff.queue import assign_pool_tasks
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.reports import decided, holder, reports

COUNTY = "431124000000"


@pytest.fixture
def world(stage: Stage) -> Stage:
    stage.open_appeal()
    stage.clock.move(timedelta(hours=1))
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    return stage


def test_who_stops_the_appeal_at_once_can_still_decide_on_the_report(world: Stage) -> None:
    for openid in ("o-county", "o-other"):
        world.appoint(openid, "county", COUNTY)
    reports(world, "o-wang", kind="4")
    who = holder(world) or ""
    for words in ("看 举报1", "冻结 1", "1"):
        world.say(who, words)
    assert "属实，先不停什么" in world.say(who, "看 举报1")


def test_whom_it_concerns_by_a_later_decision_loses_it_when_it_is_late(world: Stage) -> None:
    for openid in ("o-county", "o-other"):
        world.appoint(openid, "county", COUNTY)
    reports(world, "o-wang", kind="4")
    who = holder(world) or ""
    decided(world, who)
    world.clock.move(timedelta(days=4))
    apply_deadlines(world.database, world.clock())
    assert holder(world) not in (who, None)
    assert "属实，暂停这个求助" in world.say(holder(world) or "", "看 举报1")


def test_whom_one_of_the_concerned_invites_later_does_not_get_it(world: Stage) -> None:
    first = world.appoint("o-concerned", "county", COUNTY)
    decided(world, "o-concerned")
    reports(world, "o-wang")
    assert holder(world) is None
    second = world.appoint("o-friend", "county", COUNTY)
    with Database(world.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == second).values(invited_by=first))
        assign_pool_tasks(db, db.get_one(Staff, second), world.clock())
    assert holder(world) is None
    assert "举报" not in world.say("o-friend", "待办")


def test_the_trail_does_not_tell_which_officer_reported(world: Stage) -> None:
    world.appoint("o-town", "township", work_no="DX0777")
    world.appoint("o-other", "township", work_no="DX0778")
    reports(world, "o-wang")
    reports(world, "o-town")
    assert holder(world) == "o-other"
    with Database(world.database) as db:
        details = db.scalars(select(AuditEvent.detail).where(AuditEvent.subject == "inquiry")).all()
    assert not [each for each in details if each and "DX0777" in each]
