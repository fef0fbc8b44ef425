"""An organisation asks in its own name, once the county confirmed it; what is open passes to who speaks for it next."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.appeals.of_organisation import OWNER_CHANGED
from models.appeals.review import demand_review_task, lock_after_cases
from models.appeals.submission import OnePerCategory
from models.core.audit_trail import AuditEvent
from models.disbursements.payee import PayeeSpeaksForIt, check_speaks_not
from models.organisations.organisation import Organisation, find_by_credit_code, get_organisation
from models.organisations.representative import in_office
from models.organisations.terms import due_terms, end_or_remind
from models.staff.member import Staff
from models.staff.task import Task, conflict_in, find_task
from models.staff.turn import HasConflict
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.refunds import wrong_books
from tests.scenes.organisations import ask_in_its_name, confirm, publish, set_until, succeed

VILLAGE, OTHER_VILLAGE, DAOXIAN = "431124101208", "431124101209", "431124000000"


@pytest.fixture
def secretary(stage: Stage) -> str:
    stage.register("o-secretary", "resident", VILLAGE, verified=False)
    return "o-secretary"


def said(stage: Stage, openid: str, words: str) -> list[str]:
    """Say it; returns the names of the answers."""
    stage.said = []
    stage.say(openid, words)
    return stage.said


def look_after(stage: Stage) -> int:
    """Sweep the terms; returns how many were ended or reminded of."""
    with Session(stage.database) as db, db.begin():
        return sum(end_or_remind(db, number, stage.clock()) for number in due_terms(db, stage.clock()))


def state_of(stage: Stage, number: int) -> str:
    with Session(stage.database) as db:
        return db.get_one(Appeal, number).state


def task_of(stage: Stage, number: int) -> Task:
    with Session(stage.database, expire_on_commit=False) as db:
        found = find_task(db, "appeal", number)
    assert found
    return found


def test_its_appeal_waits_for_no_verification_and_none_of_its_own_officers_reviews_it(
    stage: Stage, secretary: str
) -> None:
    own = stage.appoint("o-own", "village", VILLAGE)
    number = ask_in_its_name(stage, confirm(stage, secretary, VILLAGE))
    assert task_of(stage, number).assignee is None
    other = stage.appoint("o-other", "village", DAOXIAN_MEIHUA)
    stage.appoint("o-county", "county", DAOXIAN)
    with Session(stage.database) as db:
        appeal = get_appeal(db, number)
        task = find_task(db, "appeal", number)
        assert task
        assert conflict_in(db, db.get_one(Staff, own), task) == "own_authority"
        assert conflict_in(db, db.get_one(Staff, other), task) is None
        with pytest.raises(HasConflict):
            demand_review_task(db, db.get_one(Staff, own), appeal, stage.clock())


@pytest.mark.parametrize(
    ("kind", "seat", "barred"),
    [
        ("village_committee", ("village", VILLAGE), True),
        ("village_committee", ("village", OTHER_VILLAGE), False),
        ("village_committee", ("township", DAOXIAN_MEIHUA), False),
        ("township", ("village", DAOXIAN_MEIHUA), True),
        ("township", ("township", DAOXIAN_MEIHUA), True),
        ("township", ("county", DAOXIAN), False),
        ("cooperative", ("village", VILLAGE), False),
        ("school", ("township", DAOXIAN_MEIHUA), False),
        ("charity", ("county", DAOXIAN), False),
    ],
)
def test_who_is_of_the_authority_that_asks_decides_nothing_of_it(
    stage: Stage, secretary: str, kind: str, seat: tuple[str, str], barred: bool
) -> None:
    place = DAOXIAN_MEIHUA if kind == "township" else VILLAGE
    number = ask_in_its_name(stage, confirm(stage, secretary, place, kind))
    officer = stage.appoint("o-officer", *seat)
    with Session(stage.database) as db:
        task = find_task(db, "appeal", number)
        assert task
        found = conflict_in(db, db.get_one(Staff, officer), task)
    assert found == ("own_authority" if barred else None)


def test_who_speaks_for_it_or_is_their_kin_decides_nothing_of_it(stage: Stage, secretary: str) -> None:
    number = ask_in_its_name(stage, confirm(stage, secretary, VILLAGE, "cooperative"))
    seat, kin = stage.appoint(secretary, "county", DAOXIAN), stage.appoint("o-kin", "county", DAOXIAN)
    stage.say("o-kin", "回避声明")
    with Session(stage.database) as db:
        task = find_task(db, "appeal", number)
        assert task
        assert conflict_in(db, db.get_one(Staff, seat), task) == "own_household"
        assert conflict_in(db, db.get_one(Staff, kin), task) is None


def test_it_has_one_open_appeal_of_a_category_and_its_representatives_family_has_its_own(
    stage: Stage, secretary: str
) -> None:
    organisation = confirm(stage, secretary, VILLAGE)
    first = ask_in_its_name(stage, organisation)
    with pytest.raises(OnePerCategory):
        ask_in_its_name(stage, organisation)
    stage.verify_all()
    assert stage.ask(secretary, "crowdfund", "public_works") > first


def test_a_successor_gets_its_open_appeals_and_the_one_before_can_do_nothing_more(stage: Stage, secretary: str) -> None:
    organisation = confirm(stage, secretary, VILLAGE)
    number, ended = ask_in_its_name(stage, organisation), stage.open_appeal()
    stage.register("o-next", "resident", VILLAGE, verified=False)
    succeed(stage, organisation, "o-next")
    with Session(stage.database) as db:
        new = in_office(db, organisation)
        assert new
        assert db.get_one(Appeal, number).owner_id == new.user_id
        assert db.get_one(Appeal, ended).owner_id != new.user_id
        passed_on = db.scalars(select(AuditEvent).where(AuditEvent.action == OWNER_CHANGED)).one()
        assert (passed_on.subject, passed_on.subject_id) == ("appeal", number)
    assert said(stage, secretary, f"撤回 {number}") == ["replies/refusals:no_such_appeal"]
    assert said(stage, "o-next", f"撤回 {number}") == ["replies/appeals/withdraw"]


def test_a_term_is_reminded_of_once_ends_the_day_after_its_last_and_then_nothing_is_done_in_its_name(
    stage: Stage, secretary: str
) -> None:
    organisation = confirm(stage, secretary, VILLAGE)
    number = ask_in_its_name(stage, organisation)
    last = stage.clock().date() + timedelta(days=40)
    set_until(stage, organisation, last)
    assert look_after(stage) == 0
    stage.clock.move(timedelta(days=11))
    assert [look_after(stage), look_after(stage)] == [1, 0]
    assert said(stage, secretary, "我的单位")[0] == "notifications/organisations/term_ends:unread"
    stage.clock.move(timedelta(days=29))
    assert look_after(stage) == 0
    stage.clock.move(timedelta(days=1))
    assert look_after(stage) == 1
    assert said(stage, secretary, f"撤回 {number}")[-1] == "replies/refusals:term_over"
    assert said(stage, secretary, "1") == ["succeed/until:ask"]


def test_a_stopped_organisation_asks_for_nothing_and_what_it_asked_for_stops(stage: Stage, secretary: str) -> None:
    organisation = confirm(stage, secretary, VILLAGE)
    number = ask_in_its_name(stage, organisation)
    publish(stage, number)
    stage.appoint("o-county", "county", DAOXIAN)
    assert said(stage, "o-county", f"冻结 单位{organisation} 1")[-1] == "replies/organisations/decided"
    assert state_of(stage, number) == "frozen"
    assert said(stage, secretary, "我的单位") == [
        "notifications/organisations/organisation_decided:unread",
        "replies/organisations/mine",
    ]
    assert said(stage, "o-county", f"解冻 {number}")[-1] == "replies/refusals:not_verified"
    assert said(stage, "o-county", f"解冻 单位{organisation}") == ["replies/organisations/decided"]
    assert said(stage, "o-county", f"解冻 {number}") == ["replies/staff/decided"]
    assert state_of(stage, number) == "funding"
    assert wrong_books(stage) == []


def test_a_dissolved_organisation_leaves_its_code_to_a_new_one_and_nothing_in_review(
    stage: Stage, secretary: str
) -> None:
    organisation = confirm(stage, secretary, VILLAGE)
    number = ask_in_its_name(stage, organisation)
    stage.appoint("o-county", "county", DAOXIAN)
    assert said(stage, "o-county", f"看 单位{organisation}") == ["replies/organisations/file"]
    stage.say("o-county", f"冻结 单位{organisation} 1")
    assert said(stage, "o-county", f"看 单位{organisation}") == ["replies/organisations/file"]
    assert said(stage, "o-county", "2") == ["replies/staff/which_reason"]
    assert said(stage, "o-county", "1") == ["replies/organisations/decided"]
    assert state_of(stage, number) == "cancelled"
    with Session(stage.database) as db:
        code = db.get_one(Organisation, organisation).credit_code
        assert find_by_credit_code(db, code) is None
    assert wrong_books(stage) == []


def test_its_money_goes_to_nobody_who_speaks_for_it_and_to_no_household(stage: Stage, secretary: str) -> None:
    number, family = ask_in_its_name(stage, confirm(stage, secretary, VILLAGE)), stage.open_appeal()
    with Session(stage.database) as db:
        for kind, name in (("household", "李工头"), ("shop", "王秀兰")):
            with pytest.raises(PayeeSpeaksForIt):
                check_speaks_not(db, number, kind, name)
            check_speaks_not(db, family, kind, name)
        check_speaks_not(db, number, "shop", "道县建材店")


def test_a_confirmation_and_a_stop_at_once_leave_no_appeal_running(stage: Stage, secretary: str) -> None:
    """A review that passes holds the organisation: the county's stop waits, and then finds what has opened."""
    organisation = confirm(stage, secretary, VILLAGE)
    number = ask_in_its_name(stage, organisation)
    with Session(stage.database) as passing, Session(stage.database) as stopping:
        lock_after_cases(passing, number)
        stopping.execute(text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(OperationalError):
            get_organisation(stopping, organisation, lock=True)
