"""A registry that does not answer stops nobody; and whose word counts as overturned, and whose does not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.oversight import spot_check
from models.oversight.spot_check import draw
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.task import find_task
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, lock_case
from models.verification.lifecycle import PATIENCE, cases_for_registry, is_drawn, registry_answered
from models.verification.registry import Finding
from tests.harness.stage import Stage
from tests.scenes.appeals import pass_appeals
from tests.scenes.cases import case, registered, visited

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", COUNTY)
    yield stage
    stage.close()


def staff(db: Database, name: str) -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == f"o-{name}")).one()


def unanswered(stage: Stage) -> int:
    number = registered(stage, "o-wang", result="unavailable")
    stage.clock.move(PATIENCE - timedelta(seconds=1))
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, number).state == "submitted"
    stage.clock.move(timedelta(seconds=1))
    apply_deadlines(stage.database, stage.clock())
    return number


def test_a_registry_that_is_away_for_days_keeps_no_officer_from_visiting(stage: Stage) -> None:
    number = unanswered(stage)
    assert (case(stage, number).state, case(stage, number).registry_result) == ("registry_checked", "unavailable")
    with Database(stage.database) as db:
        task = find_task(db, "case", number)
        assert task
        assert task.step == "visit"
    assert "名册：一直没有答复" in stage.say("o-zhou", f"看 认证{number}")
    assert "名册一直查不通" in stage.say("o-wang", "消息")
    assert "登记的系统一直连不上" in stage.say("o-wang", "认证")


def test_what_the_registry_never_answered_is_always_looked_at_by_the_township(stage: Stage) -> None:
    numbers = [unanswered(stage)]
    with Database(stage.database) as db:
        officer = staff(db, "zhou").id
        assert not is_drawn(lock_case(db, numbers[0]).matter, 1)  # by lot it would not be
    visited(stage, numbers[0], officer)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    assert (case(stage, numbers[0]).state, case(stage, numbers[0]).sampled) == ("township_review", True)


def test_a_late_answer_is_kept_and_moves_nothing_and_is_asked_for_no_more(stage: Stage) -> None:
    number = unanswered(stage)
    with Database(stage.database) as db:
        assert cases_for_registry(db, stage.clock()) == [number]
    for result in ("unavailable", "not_found", "match"):  # the last comes in twice at once: the first one counts
        with Database(stage.database) as db, db.begin():
            registry_answered(db, number, Finding(result, None, None, None), stage.clock())
        stage.clock.move(timedelta(hours=7))
    found = case(stage, number)
    assert (found.state, found.registry_result, found.registry_next_at) == ("registry_checked", "not_found", None)
    with Database(stage.database) as db:
        assert cases_for_registry(db, stage.clock()) == []


def test_nobody_asks_the_registry_about_somebody_whose_case_is_over(stage: Stage) -> None:
    number = unanswered(stage)
    with Database(stage.database) as db, db.begin():
        lock_case(db, number).state = "withdrawn"
    with Database(stage.database) as db:
        assert cases_for_registry(db, stage.clock()) == []


COUNTY_SAYS = [("verify", True), ("reject", True), ("send_back", True), ("reject", False), ("send_back", False)]


@pytest.mark.parametrize(("county", "visitor"), COUNTY_SAYS)
def test_only_a_word_of_the_other_sign_is_overturned(stage: Stage, county: str, visitor: bool) -> None:
    number = registered(stage, "o-wang", result="not_found")
    with Database(stage.database) as db:
        officer = staff(db, "zhou").id
    visited(stage, number, officer, supports=visitor)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db, db.begin():
        decisions.pass_to_county(db, lock_case(db, number), staff(db, "town"), stage.clock())
    reasons = () if county == "verify" else (["x"],)
    with Database(stage.database) as db, db.begin():
        getattr(decisions, county)(db, lock_case(db, number), staff(db, "county"), *reasons, stage.clock())
    with Database(stage.database) as db:
        overturned = [bool(each.overturned_by) for each in db.scalars(select(Decision).order_by(Decision.id))]
    turned = visitor and county != "verify"  # a no after a no overturns nobody, nor who passed that on
    assert overturned == [turned, turned, False]  # the visitor, the township, the county


def test_a_visitors_no_is_overturned_when_the_household_is_verified_after_all(stage: Stage) -> None:
    number = registered(stage, "o-wang", result="not_found")
    stage.appoint("o-qin", "village")
    with Database(stage.database) as db:
        officers = [staff(db, name).id for name in ("zhou", "qin")]
    for officer, supports in zip(officers, (False, True), strict=True):
        visited(stage, number, officer, supports=supports)
        stage.clock.move(NOTICE_PERIOD)
        apply_deadlines(stage.database, stage.clock())
        with Database(stage.database) as db, db.begin():
            decisions.pass_to_county(db, lock_case(db, number), staff(db, "town"), stage.clock())
        with Database(stage.database) as db, db.begin():
            found, county = lock_case(db, number), staff(db, "county")
            if supports:
                decisions.verify(db, found, county, stage.clock())
            else:
                decisions.send_back(db, found, county, ["x"], stage.clock())
    with Database(stage.database) as db:
        said = [(each.verdict, bool(each.overturned_by)) for each in db.scalars(select(Decision).order_by(Decision.id))]
    assert said[:3] == [("reject", True), ("pass", False), ("return", False)]
    assert said[3:] == [("pass", False)] * 3


def test_a_draw_reads_few_however_much_there_is_and_comes_to_all_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spot_check, "_MOST", 2)
    passed = pass_appeals(stage, 6)
    drawn = set()
    for _ in range(40):
        with Database(stage.database) as db:
            found = draw(db, staff(db, "town"), stage.clock())
            assert found == draw(db, staff(db, "town"), stage.clock())  # all day the same one
        drawn.add(found)
        with Database(stage.database) as db, db.begin():  # spread over the month before
            for n, each in enumerate(db.scalars(select(Decision).order_by(Decision.id))):
                each.at = stage.clock() - timedelta(days=4 * n + 1)
        stage.clock.move(timedelta(days=1))
        if drawn == passed:
            break
    assert drawn == passed
