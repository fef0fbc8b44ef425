"""Nobody decides on a case that they have not seen as it stands, nor verifies whom the visit found in no need."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.staff.member import Staff
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, lock_case
from tests.harness.stage import Stage
from tests.scenes.cases import case, registered, visited

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-county", "county", COUNTY)
    yield stage
    stage.close()


def to_the_county(stage: Stage, number: int, officer: int, *, supports: bool = True) -> None:
    """Past a visit, a notice if there is one, and a township that looks when it is drawn."""
    visited(stage, number, officer, supports=supports)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    if case(stage, number).state == "township_review":
        with Database(stage.database) as db, db.begin():
            town = db.get_one(Staff, stage.appoint(f"o-town-{stage.clock()}", "township", work_no=f"T{number}"))
            decisions.pass_to_county(db, lock_case(db, number), town, stage.clock())
    assert case(stage, number).state == "county_review"


def test_a_look_at_an_earlier_round_does_not_verify_what_came_again(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    number = registered(stage, "o-wang")
    to_the_county(stage, number, officer)
    assert "1 通过" in stage.say("o-county", f"看 认证{number}")
    with Database(stage.database) as db, db.begin():
        another = db.get_one(Staff, stage.appoint("o-chief", "county", COUNTY))
        decisions.send_back(db, lock_case(db, number), another, ("visit_thin",), stage.clock())
    to_the_county(stage, number, officer)
    shown = stage.say("o-county", f"通过 认证{number}")
    assert "您还没看过" in shown
    assert f"认证 {number} 号" in shown
    assert case(stage, number).state == "county_review"
    assert "通过了" in stage.say("o-county", "1")
    assert case(stage, number).state == "verified"


@pytest.mark.parametrize("words", ["通过 认证{}", "退回 认证{} 1", "驳回 认证{} 1", "驳回 认证{}"])
def test_a_typed_word_does_not_decide_what_nobody_looked_at(stage: Stage, words: str) -> None:
    number = registered(stage, "o-wang")
    to_the_county(stage, number, stage.appoint("o-zhou", "village"))
    assert "您还没看过" in stage.say("o-county", words.format(number))
    assert case(stage, number).state == "county_review"


def test_nobody_verifies_a_household_that_the_visit_found_in_no_need(stage: Stage) -> None:
    number = registered(stage, "o-wang")
    to_the_county(stage, number, stage.appoint("o-zhou", "village"), supports=False)
    assert "1 不认证" in stage.say("o-county", f"看 认证{number}")
    assert "不能通过" in stage.say("o-county", f"通过 认证{number}")
    stage.say("o-county", f"看 认证{number}")
    assert "为什么驳回" in stage.say("o-county", "1")
    assert "没有通过" in stage.say("o-county", "1")
    assert case(stage, number).state == "rejected"
