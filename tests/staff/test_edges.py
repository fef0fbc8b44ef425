"""Edges at which an off-by-one or a forgotten condition would go unseen: terms, ends, links, and who is barred."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.app import links_of
from bot.web.links import DeadLink
from bot.work.sweeps import apply_deadlines
from models.proxy.mandate import Mandate, grant_mandate, live_mandate, revoke_mandate
from models.staff.member import Staff
from models.staff.recusal import Recusal
from models.staff.suspension import suspend
from models.staff.task import assign_to, find_task
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, VALIDITY, NotVerified, check_verified, lock_case
from tests.harness.stage import Stage
from tests.scenes.cases import case, registered, visited

COUNTY = "431124000000"
INSTANT = timedelta(microseconds=1)


def holder(stage: Stage, number: int) -> tuple[str, int | None]:
    with Database(stage.database) as db:
        task = find_task(db, "case", number)
        assert task
        return task.role, task.assignee


def test_what_is_late_goes_to_no_colleague_beside_but_up(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    stage.appoint("o-tang", "village")
    town = stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    assert holder(stage, number)[0] == "village"
    stage.clock.move(timedelta(days=4))
    apply_deadlines(stage.database, stage.clock())
    assert holder(stage, number) == ("township", town)


@pytest.mark.parametrize(("until", "gets"), [(timedelta(0), False), (INSTANT, True)])
def test_whose_term_is_over_gets_nothing_from_that_very_moment(stage: Stage, until: timedelta, gets: bool) -> None:
    officer = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        ends = {"active_from": stage.clock() - timedelta(days=1), "active_until": stage.clock() + until}
        db.execute(update(Staff).where(Staff.id == officer).values(**ends))
    number = registered(stage, "o-wang")
    assert holder(stage, number) == ("village", officer if gets else None)


def test_what_was_given_to_somebody_above_who_leaves_is_the_villages_again(stage: Stage) -> None:
    village, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", COUNTY)
    number = registered(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        task, to = find_task(db, "case", number), db.get_one(Staff, town)
        assert task
        assign_to(db, task, to, "system", stage.clock())
    assert holder(stage, number) == ("township", town)
    with Database(stage.database) as db, db.begin():
        above = db.scalars(select(Staff).where(Staff.role == "county")).one()
        suspend(db, above, db.get_one(Staff, town).work_no, "leave", stage.clock())
    assert holder(stage, number) == ("village", village)


def test_a_household_is_verified_up_to_its_last_moment_and_not_at_its_end(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    household, end = case(stage, 1).household_id, stage.clock() + VALIDITY
    with Database(stage.database) as db:
        check_verified(db, household, end - INSTANT)
        with pytest.raises(NotVerified):
            check_verified(db, household, end)


def test_a_link_ends_after_a_quarter_of_an_hour(stage: Stage) -> None:
    links = links_of(stage.settings, stage.clock)
    link = links.make("pictures", "appeal:1", 1).rsplit("/", 1)[1]
    stage.clock.move(timedelta(minutes=14, seconds=59))
    links.read("pictures", link)
    stage.clock.move(timedelta(seconds=2))
    with pytest.raises(DeadLink):
        links.read("pictures", link)


def test_who_visited_or_reviewed_is_named_for_no_later_step(stage: Stage) -> None:
    """A township that visits and a county that reviews, for want of others: neither is the one to decide."""
    town, county = stage.appoint("o-town", "township"), stage.appoint("o-county", "county", COUNTY)
    number = registered(stage, "o-wang", result="not_found")
    visited(stage, number, town)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    assert holder(stage, number) == ("county", county)
    with Database(stage.database) as db, db.begin():
        decisions.pass_to_county(db, lock_case(db, number), db.get_one(Staff, county), stage.clock())
    assert holder(stage, number) == ("county", None)
    with Database(stage.database) as db:
        task = find_task(db, "case", number)
        assert task
        barred = set(db.scalars(select(Recusal.staff_id).where(Recusal.task_id == task.id)))
        assert {town, county} <= barred


def test_a_consent_that_was_taken_back_is_none(stage: Stage) -> None:
    user, officer = stage.register("o-wang", "resident"), stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        mandate = grant_mandate(db, officer, user, "code", "appeal", "draft", stage.clock())
        assert live_mandate(db, user, officer, "appeal", stage.clock()) == mandate
        revoke_mandate(db, mandate, f"user:{user}", stage.clock())
        assert live_mandate(db, user, officer, "appeal", stage.clock()) is None
        assert db.scalars(select(Mandate)).one().revoked_at == stage.clock()
