"""Whoever is appointed anew is who they were: what they had their word in, and whom they are tied to, stays theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.appeals.review import approve
from models.books import violations
from models.core.database import snapshot
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.people.user import User
from models.proxy.card import bind_wechat, issue_card
from models.staff import suspension
from models.staff.appointment import HoldsARole, Invitation, confirm, invite, redeem
from models.staff.conflict_of_interest import conflicts_with, record_conflict
from models.staff.decision import Decision
from models.staff.directory import StoppedAbove
from models.staff.member import Staff, all_seats_of
from models.staff.task import conflict_in, find_task
from models.staff.turn import HasConflict
from models.verification import decisions
from models.verification.case import Verification, begin_case, lock_case
from models.verification.lifecycle import end_notices
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage, id_number, numbered
from tests.scenes.cases import case, objected, registered, visited

COUNTY, MEIHUA, VILLAGE = "431124000000", "431124101000", "431124101208"


def revoked(stage: Stage, staff_id: int, by: int) -> None:
    with Database(stage.database) as db, db.begin():
        staff = db.get_one(Staff, staff_id)
        suspension.revoke(db, db.get_one(Staff, by), staff.work_no, "other", stage.clock())


def found(stage: Stage) -> list[str]:
    with snapshot(stage.settings.database_url) as connection:
        return [f"{each.code} {each.subject} {each.subject_id}" for each in violations(connection, stage.clock())]


@pytest.mark.parametrize("supports", [True, False])
def test_who_visited_decides_nothing_of_it_from_another_seat(stage: Stage, supports: bool) -> None:
    number = registered(stage, "o-wang")
    officer, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    county = stage.appoint("o-county", "county", COUNTY)
    visited(stage, number, officer, supports=supports)
    revoked(stage, officer, county)
    again = stage.appoint("o-zhou", "county", COUNTY, "AGAIN")
    stage.clock.move(timedelta(days=6))
    with Database(stage.database) as db, db.begin():
        end_notices(db, stage.clock())
    if case(stage, number).state == "township_review":
        with Database(stage.database) as db, db.begin():
            decisions.pass_to_county(db, lock_case(db, number), db.get_one(Staff, town), stage.clock())
    with Database(stage.database) as db:
        assert find_task(db, "case", number).assignee == county  # type: ignore[union-attr]
        for act in (decisions.verify, lambda db, it, by, now: decisions.reject(db, it, by, ("not_needy",), now)):
            with pytest.raises(Refusal) as refused:
                act(db, lock_case(db, number), db.get_one(Staff, again), stage.clock())
            assert isinstance(refused.value, HasConflict)
    stage.say("o-zhou", f"看 认证{number}")
    stage.say("o-zhou", f"通过 认证{number}")
    assert case(stage, number).state == "county_review"


def test_kin_that_were_declared_from_an_earlier_seat_are_kin(stage: Stage) -> None:
    user, officer = stage.register("o-kin", "resident"), stage.appoint("o-zhou", "village")
    county = stage.appoint("o-county", "county", COUNTY)
    with Database(stage.database) as db, db.begin():
        number = db.get_one(User, user).id_number
        assert number
        record_conflict(db, db.get_one(Staff, officer), "kin", number, stage.clock())
    revoked(stage, officer, county)
    again = stage.appoint("o-zhou", "village", work_no="AGAIN")
    appeal = stage.ask("o-kin")
    with Database(stage.database) as db:
        assert conflicts_with(db, db.get_one(User, user).household_id)[again] == "kin"
        assert find_task(db, "appeal", appeal).assignee != again  # type: ignore[union-attr]
    stage.say("o-zhou", f"看 {appeal}")
    assert "亲属" in stage.say("o-zhou", f"通过 {appeal}")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "submitted"


def test_the_books_name_one_person_behind_two_seats(stage: Stage) -> None:
    number, appeal = registered(stage, "o-wang"), stage.open_appeal()
    first = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, first).state = "revoked"
    second = stage.appoint("o-zhou", "county", COUNTY, "AGAIN")
    before = found(stage)
    with Database(stage.database) as db, db.begin():
        region = db.get_one(Appeal, appeal).region_code
        for staff, role in ((first, "village"), (second, "county")):
            one = {"subject": "appeal", "subject_id": appeal, "round": 1, "region_code": region, "at": stage.clock()}
            db.add(Decision(**one, staff_id=staff, role=role, verdict="pass"))
        both = {"visited_by": first, "decided_by": second}
        db.execute(update(Verification).where(Verification.id == number).values(**both))
    named = [each for each in found(stage) if each not in before and each.startswith("passed_by_one")]
    assert named == [f"passed_by_one appeal {appeal}", f"passed_by_one case {number}"]
    with Database(stage.database) as db:
        assert len(db.scalars(select(Staff).where(Staff.openid == "o-zhou")).all()) == 2


def test_an_own_household_stays_ones_own_after_it_went_to_another_phone(stage: Stage) -> None:
    officer, other = stage.appoint("o-zhou", "village"), stage.appoint("o-qin", "village")
    user = stage.register("o-zhou", "resident")
    with Database(stage.database) as db, db.begin():
        card = issue_card(db, db.get_one(User, user), db.get_one(Staff, other), stage.clock()).id
    stage.clock.move(timedelta(days=4))
    wife = stage.person("o-wife")
    with Database(stage.database) as db, db.begin():
        bind_wechat(db, card, wife, stage.clock())
    appeal = stage.ask("o-wife")
    stage.say("o-zhou", f"看 {appeal}")
    assert "自己家" in stage.say("o-zhou", f"通过 {appeal}")
    with Database(stage.database) as db:
        assert db.get_one(Staff, officer).household_id == db.get_one(User, user).household_id
        assert find_task(db, "appeal", appeal).assignee == other  # type: ignore[union-attr]


def test_an_own_household_stays_ones_own_after_the_account_was_erased(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    household = stage.register("o-zhou", "resident")
    conversation = stage.person("o-zhou")
    with Database(stage.database) as db, db.begin():
        erase_person(db, conversation, stage.clock())
    with Database(stage.database) as db:
        own = db.get_one(User, household).household_id
        assert db.get_one(Staff, officer).household_id == own
        assert conflicts_with(db, own)[officer] == "own_household"


def test_who_becomes_staff_later_takes_their_household_along(stage: Stage) -> None:
    user, county = stage.register("o-zhou", "resident"), stage.appoint("o-county", "county", COUNTY)
    conversation = stage.person("o-zhou")
    with Database(stage.database) as db, db.begin():
        wanted = Invitation("village", VILLAGE, "周建国")
        seat, code = invite(db, db.get_one(Staff, county), wanted, stage.clock())
        redeem(db, conversation, code, numbered(conversation), stage.clock())
        assert db.get_one(Staff, seat.id).household_id == db.get_one(User, user).household_id


def test_a_township_does_not_lift_what_the_county_stopped(stage: Stage) -> None:
    county, town = stage.appoint("o-county", "county", COUNTY), stage.appoint("o-town", "township", work_no="TOWN")
    stage.appoint("o-zhou", "village", work_no="ZHOU")
    stage.say("o-county", "停用 ZHOU 1")
    stage.say("o-town", "恢复 ZHOU")
    assert stage.said == ["replies/refusals:stopped_above"]
    conversation = stage.person("o-zhou")
    with Database(stage.database) as db, db.begin():
        assert db.scalars(select(Staff.state).where(Staff.work_no == "ZHOU")).one() == "suspended"
        # Nor by an end and a new beginning.
        suspension.revoke(db, db.get_one(Staff, town), "ZHOU", "other", stage.clock())
    with Database(stage.database) as db, db.begin():
        wanted = Invitation("village", VILLAGE, "周建国")
        _, code = invite(db, db.get_one(Staff, town), wanted, stage.clock())
        _, higher = invite(db, db.get_one(Staff, county), wanted, stage.clock())
    with Database(stage.database) as db, pytest.raises(StoppedAbove):
        redeem(db, conversation, code, numbered(conversation), stage.clock())
    with Database(stage.database) as db, db.begin():
        assert redeem(db, conversation, higher, numbered(conversation), stage.clock())


def test_what_the_township_stopped_the_township_lifts(stage: Stage) -> None:
    stage.appoint("o-town", "township", work_no="TOWN")
    stage.appoint("o-zhou", "village", work_no="ZHOU")
    with Database(stage.database) as db, db.begin():
        town = db.scalars(select(Staff).where(Staff.work_no == "TOWN")).one()
        suspension.suspend(db, town, "ZHOU", "other", stage.clock())
    with Database(stage.database) as db, db.begin():
        town = db.scalars(select(Staff).where(Staff.work_no == "TOWN")).one()
        assert suspension.restore(db, town, "ZHOU", stage.clock()).state == "active"


@pytest.mark.parametrize("part", ["visited_by", "reviewed_by"])
def test_who_verified_a_household_passes_its_appeal_at_no_step(stage: Stage, part: str) -> None:
    stage.register("o-wang", "resident")
    officer, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    first, second = (stage.appoint(f"o-{name}", "county", COUNTY) for name in ("first-c", "other-d"))
    somebody = stage.appoint("o-somebody", "village", work_no="SOMEBODY")
    with Database(stage.database) as db, db.begin():
        one = db.scalars(select(Verification)).one()
        one.visited_by = somebody
        setattr(one, part, first)
    number = stage.ask("o-wang", "crowdfund")
    for staff in (officer, town):
        with Database(stage.database) as db, db.begin():
            if find_task(db, "appeal", number).step != "county":  # type: ignore[union-attr]
                approve(db, db.get_one(Staff, staff), number, stage.clock())
    with Database(stage.database) as db:
        task = find_task(db, "appeal", number)
        assert task
        assert (task.step, task.assignee) == ("county", second)
        with pytest.raises(HasConflict):
            approve(db, db.get_one(Staff, first), number, stage.clock())


def test_who_visits_later_passes_nothing_that_is_on_its_way(stage: Stage) -> None:
    user = stage.register("o-wang", "resident")
    first, second = (stage.appoint(f"o-{name}", "county", COUNTY) for name in ("first-c", "other-d"))
    appeal = stage.ask("o-wang")
    with Database(stage.database) as db, db.begin():
        task = find_task(db, "appeal", appeal)
        assert task
        task.step, task.assignee = "county", first
    stage.clock.move(timedelta(days=340))
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, user)
        number = begin_case(db, owner, Actor(By.OWNER, f"user:{user}"), stage.clock()).id
    stage.registry_answers("match")
    visited(stage, number, first)
    with Database(stage.database) as db:
        assert find_task(db, "appeal", appeal).assignee == second  # type: ignore[union-attr]


def test_whose_visit_an_objection_proved_wrong_visits_never_again(stage: Stage) -> None:
    number = registered(stage, "o-wang", result="name_mismatch")
    wrong, right = stage.appoint("o-a", "village"), stage.appoint("o-bb", "village")
    town = stage.appoint("o-town", "township")
    visited(stage, number, wrong)
    objected(stage, number, "o-neighbour")
    with Database(stage.database) as db, db.begin():
        decisions.adjudicate(db, lock_case(db, number), db.get_one(Staff, town), True, stage.clock())
    visited(stage, number, right)
    stage.clock.move(timedelta(days=6))
    with Database(stage.database) as db, db.begin():
        end_notices(db, stage.clock())
        decisions.send_back(db, lock_case(db, number), db.get_one(Staff, town), ("photos_unclear",), stage.clock())
    with Database(stage.database) as db:
        assert find_task(db, "case", number).assignee == right  # type: ignore[union-attr]
    with pytest.raises(HasConflict):
        visited(stage, number, wrong)


def test_what_nobody_may_do_vanishes_from_nobodys_sight(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", COUNTY, "ABOVE")
    user = stage.register("o-kin", "resident")
    with Database(stage.database) as db, db.begin():
        number = db.get_one(User, user).id_number
        assert number
        record_conflict(db, db.get_one(Staff, county), "kin", number, stage.clock())
    appeal = stage.ask("o-kin")
    assert "缺人" in stage.say("o-county", "待办")
    stage.say("o-county", f"看 {appeal}")
    assert "请您或者上级邀请一位工作人员" in stage.say("o-county", f"通过 {appeal}")
    assert "缺人" in stage.say("o-county", "待办")
    conversation = stage.person("o-new")
    with Database(stage.database) as db, db.begin():
        by = db.get_one(Staff, county)
        seat, code = invite(db, by, Invitation("village", MEIHUA, "周建国"), stage.clock())
        redeem(db, conversation, code, numbered(conversation), stage.clock())
        new = confirm(db, by, seat.work_no, stage.clock()).id
    with Database(stage.database) as db:
        task = find_task(db, "appeal", appeal)
        assert task
        assert (task.assignee, task.role) == (new, "village")
    assert "缺人" not in stage.say("o-county", "待办")


def took_up(stage: Stage, by: int, openid: str, number: str, role: str = "village", place: str = VILLAGE) -> int:
    """The seat that this WeChat takes up, by whoever has this ID number."""
    conversation = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        inviter = db.get_one(Staff, by)
        seat, code = invite(db, inviter, Invitation(role, place, "周建国"), stage.clock())
        redeem(db, conversation, code, number, stage.clock())
        return confirm(db, inviter, seat.work_no, stage.clock()).id


def test_abuse_one_human_with_two_wechats_holds_one_seat(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", COUNTY)
    took_up(stage, county, "o-zhou", id_number(77))
    with pytest.raises(HoldsARole):
        took_up(stage, county, "o-zhou-too", id_number(77), "township", MEIHUA)
    took_up(stage, county, "o-li", id_number(78), "township", MEIHUA)


def test_whoever_comes_again_on_another_wechat_is_who_they_were(stage: Stage) -> None:
    number = registered(stage, "o-wang")
    county = stage.appoint("o-county", "county", COUNTY)
    first = took_up(stage, county, "o-zhou", id_number(77))
    visited(stage, number, first)
    revoked(stage, first, county)
    again = took_up(stage, county, "o-zhou-too", id_number(77), "township", MEIHUA)
    stage.clock.move(timedelta(days=6))
    with Database(stage.database) as db, db.begin():
        end_notices(db, stage.clock())
    with Database(stage.database) as db:
        assert all_seats_of(db, [first]) == {first, again}
        task = find_task(db, "case", number)
        assert task
        assert conflict_in(db, db.get_one(Staff, again), task)


def test_an_officer_whose_household_asks_from_another_wechat_is_tied_to_it(stage: Stage) -> None:
    user = stage.register("o-home", "resident")
    county = stage.appoint("o-county", "county", COUNTY)
    with Database(stage.database) as db:
        resident = db.get_one(User, user)
        number, household = resident.id_number or "", resident.household_id
    officer = took_up(stage, county, "o-zhou", number)
    with Database(stage.database) as db:
        assert conflicts_with(db, household)[officer] == "own_household"
