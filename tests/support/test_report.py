"""A report reaches the county, and there nobody who decided on what is reported."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE, Appeal
from models.staff.decision import Decision, decide
from models.staff.member import Staff
from models.support.ticket import ANSWERED_WITHIN, Ticket
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

COUNTY = "431124000000"
OTHER_COUNTY = "430524000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.open_appeal("one_to_one", 500_000)
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    yield stage
    stage.close()


def newest(stage: Stage) -> Ticket:
    with Database(stage.database) as db:
        return db.scalars(select(Ticket).order_by(Ticket.id.desc())).first() or Ticket()


def decided(stage: Stage, openid: str, subject: str = "appeal", verdict: str = "pass") -> None:
    """On appeal 1, or on the first case, which is that of its household."""
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).where(Staff.openid == openid)).one()
        passed = {"subject": subject, "subject_id": 1, "role": staff.role, "verdict": verdict, "at": stage.clock()}
        db.add(Decision(region_code=DAOXIAN_MEIHUA, staff_id=staff.id, **passed))


def test_the_due_date_that_is_said_is_the_one_in_the_queue(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    reply = stage.say("o-wang", "举报 1 是假的")
    due = newest(stage).due_at
    assert due == stage.clock() + ANSWERED_WITHIN
    said = stage.app.extensions["bangfu"]["turns"].renderer.env.filters["day"](due)
    assert said in reply
    assert said in stage.say("o-county", "待办")


def test_who_decided_on_it_neither_sees_nor_answers_it(stage: Stage) -> None:
    for openid in ("o-concerned", "o-other"):
        stage.appoint(openid, "county", COUNTY)
    decided(stage, "o-concerned")
    stage.say("o-wang", "1号是骗人的")
    assert newest(stage).region_code == COUNTY
    assert "答复工单" not in stage.say("o-concerned", "待办")
    stage.said = []
    stage.say("o-concerned", "答复 1 没有的事")
    assert stage.said == ["replies/refusals:has_conflict"]
    assert "举报求助 1 号" in stage.say("o-other", "待办")


def test_who_verified_the_household_neither_sees_nor_answers_a_report_of_its_appeal(stage: Stage) -> None:
    for openid in ("o-concerned", "o-other"):
        stage.appoint(openid, "county", COUNTY)
    decided(stage, "o-concerned", "case")
    stage.say("o-wang", "1号是骗人的")
    assert "答复工单" not in stage.say("o-concerned", "待办")
    stage.said = []
    stage.say("o-concerned", "答复 1 没有的事")
    assert stage.said == ["replies/refusals:has_conflict"]
    assert "举报求助 1 号" in stage.say("o-other", "待办")


def test_where_the_only_officer_of_the_county_refused_it_another_county_hears_the_complaint(stage: Stage) -> None:
    stage.appoint("o-concerned", "county", COUNTY)
    stage.appoint("o-there", "county", OTHER_COUNTY)
    number = stage.ask("o-wang")
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).where(Staff.openid == "o-concerned")).one()
        appeal = db.get_one(Appeal, number)
        for to in ("village_review", "rejected"):
            MACHINE.move(db, appeal, to, staff.actor, stage.clock())
        decide(db, appeal.matter, 1, staff, "reject", stage.clock(), ("not_real",))
    stage.say("o-wang", "申诉")
    assert newest(stage).region_code is None
    assert "答复工单" not in stage.say("o-concerned", "待办")
    assert f"不服求助 {number} 号没通过" in stage.say("o-there", "待办")


def test_where_nobody_else_is_at_the_county_another_county_may_answer(stage: Stage) -> None:
    stage.appoint("o-concerned", "county", COUNTY)
    stage.appoint("o-there", "county", OTHER_COUNTY)
    decided(stage, "o-concerned")
    stage.say("o-wang", "举报 1")
    assert newest(stage).region_code is None
    assert "答复工单" not in stage.say("o-concerned", "待办")
    assert "举报求助 1 号" in stage.say("o-there", "待办")


def test_an_unknown_number_is_reported_with_its_words(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    stage.say("o-wang", "举报 999 收了钱不办事")
    assert newest(stage).about == "report"
    stage.say("o-county", "待办")
    assert "举报 999 收了钱不办事" in stage.say("o-county", "1")


def test_in_a_story_an_accusation_is_part_of_the_story(stage: Stage) -> None:
    stage.say("o-wang", "求助")
    stage.said = []
    stage.say("o-wang", "信息员收我钱了")
    assert stage.said == ["start_appeal/category:ask"]
    assert newest(stage).id is None
