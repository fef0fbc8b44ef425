"""Decisions at the same moment: of two officers one wins and the other is told, and the later sees what came before."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeals import review
from models.appeals.appeal import Appeal
from models.appeals.correction import own_appeal, resubmit
from models.appeals.submission import NewAppeal
from models.core.state_machine import Actor, By
from models.notifications.notification import Notification
from models.people.user import User
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.task import Task, open_task
from models.verification import decisions
from models.verification.case import MACHINE as CASES
from models.verification.case import NotVerified, Verification, lock_case
from models.verification.lifecycle import to_township
from tests.harness.platform import wechat
from tests.harness.stage import Stage
from tests.scenes.cases import seen_in_need
from tests.scenes.seat import SEAT

COUNTY = "431124000000"


@pytest.fixture
def staffed(new_database: Callable[[], str]) -> Iterator[Stage]:
    """A stage with a village officer (1), a county officer (2) and a verified household."""
    stage = Stage(new_database())
    stage.appoint("o-zhou", "village")
    stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident")
    yield stage
    stage.close()


def ask(stage: Stage) -> int:
    """A submitted appeal of a household of its own."""
    stage.register("o-wang", "resident")
    return stage.ask("o-wang")


def at_once(stage: Stage, said: dict[str, str]) -> list[str]:
    """What each hears; all messages are under way at one time."""
    deliveries = [stage.wechat.deliver(wechat.text(words, name)) for name, words in said.items()]

    def post(delivery: tuple[dict[str, str], bytes]) -> str:
        query, body = delivery
        response = stage.app.test_client().post("/wechat", query_string=query, data=body)
        assert response.status_code == 200
        return stage.wechat.read_text(response.data)

    with ThreadPoolExecutor(len(said)) as pool:
        return list(pool.map(post, deliveries))


def one_won(replies: list[str]) -> None:
    done = ["您通过了" in reply or "您退回了" in reply for reply in replies]
    told = ["不用您办" in reply for reply in replies]
    assert sorted(done) == [False, True], replies
    assert told == [not each for each in done], replies


@pytest.mark.parametrize("second", ["通过 1", "退回 1 1", "驳回 1 1"])
def test_two_officers_at_once_on_an_appeal_one_wins_and_the_other_is_told(stage: Stage, second: str) -> None:
    ask(stage)
    for name in ("o-zhou", "o-qin"):
        stage.appoint(name, "village")
    replies = at_once(stage, {"o-zhou": "通过 1", "o-qin": second})
    if second.startswith("驳回"):
        replies = [reply.replace("您驳回了", "您退回了") for reply in replies]
    one_won(replies)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(Decision)) == 1
        assert db.scalar(select(func.count()).select_from(Notification)) == 1
        assert db.scalar(select(func.count()).where(Task.closed_at.is_(None))) == 0


@pytest.mark.parametrize("second", ["通过 认证1", "退回 认证1 1"])
@pytest.mark.parametrize("step", ["township_review", "county_review"])
def test_two_officers_at_once_on_a_case_one_wins_and_the_other_is_told(stage: Stage, step: str, second: str) -> None:
    stage.register("o-wang", "resident", verified=False)
    role = step.removesuffix("_review")
    for name in ("o-zhou", "o-qin"):
        stage.appoint(name, role, SEAT[role])
    visitor = stage.appoint("o-visitor", "village")  # for the case that goes back
    system = Actor(By.SYSTEM, "system")
    with Database(stage.database) as db, db.begin():
        case = db.scalars(select(Verification)).one()
        for by, state in (
            (system, "registry_checked"),
            (Actor(By.VILLAGE, "staff:0"), "visited"),
            (system, "public_notice"),
        ):
            CASES.move(db, case, state, by, stage.clock())
        seen_in_need(db, case, visitor, stage.clock())
        to_township(db, case, stage.clock(), sampled=step == "township_review")
    for name in ("o-zhou", "o-qin"):
        stage.say(name, "看 认证1")
    replies = at_once(stage, {"o-zhou": "通过 认证1", "o-qin": second})
    one_won(replies)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(Decision)) == 1


def test_an_owner_who_changes_it_and_an_officer_who_passes_it_at_once(stage: Stage) -> None:
    """Either it is passed as it was seen, or it waits as it was changed: never passed as nobody saw it."""
    ask(stage)
    stage.appoint("o-zhou", "village")
    for words in ("改 1", "1", "买一台二手缝纫机"):
        stage.say("o-wang", words)
    at_once(stage, {"o-wang": "确认", "o-zhou": "通过 1"})
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, 1)
        assert (appeal.state, appeal.title, appeal.round) in {
            ("funding", "买台缝纫机做衣服", 1),
            ("submitted", "买一台二手缝纫机", 2),
        }


def together(stage: Stage, first: Callable[[Database], Any], second: Callable[[Database], Any]) -> Any:
    """The second begins while the first has not committed; returns what the second came to."""

    def run() -> Any:
        with Database(stage.database) as db, db.begin():
            return second(db)

    with ThreadPoolExecutor(1) as pool:
        with Database(stage.database) as db, db.begin():
            first(db)
            later = pool.submit(run)
        return later.result()


def test_no_appeal_is_published_past_a_suspension_of_its_household(staffed: Stage) -> None:
    number = staffed.ask("o-wang")
    together(
        staffed,
        lambda db: review.approve(db, db.get_one(Staff, 1), number, staffed.clock()),
        lambda db: decisions.suspend(db, lock_case(db, 1), db.get_one(Staff, 2), "complaint", staffed.clock()),
    )
    with Database(staffed.database) as db:
        assert db.get_one(Appeal, number).state == "frozen"


def test_no_appeal_is_published_while_its_household_is_being_suspended(staffed: Stage) -> None:
    number = staffed.ask("o-wang")
    with pytest.raises(NotVerified):
        together(
            staffed,
            lambda db: decisions.suspend(db, lock_case(db, 1), db.get_one(Staff, 2), "complaint", staffed.clock()),
            lambda db: review.approve(db, db.get_one(Staff, 1), number, staffed.clock()),
        )


def test_what_its_owner_changes_while_the_household_is_being_verified_comes_to_an_officer_once(staffed: Stage) -> None:
    owner = staffed.register("o-li", "resident", verified=False)
    number = staffed.ask("o-li")
    with Database(staffed.database) as db, db.begin():
        theirs = lock_case(db, 2)
        theirs.state = "county_review"
        seen_in_need(db, theirs, 1, staffed.clock())
        open_task(db, theirs.matter, "county_review", staffed.clock())

    def change(db: Database) -> None:
        appeal = own_appeal(db, db.get_one(User, owner), number, lock=True)
        resubmit(db, appeal, wanted(appeal), staffed.clock())

    together(staffed, lambda db: decisions.verify(db, lock_case(db, 2), db.get_one(Staff, 2), staffed.clock()), change)
    with Database(staffed.database) as db:
        assert db.get_one(Appeal, number).round == 2
        assert [task.step for task in db.scalars(select(Task).where(Task.closed_at.is_(None)))] == ["endorse"]


def wanted(appeal: Appeal) -> NewAppeal:
    """The same again under another title."""
    same = {name: getattr(appeal, name) for name in ("kind", "category", "story", "region_code", "target_fen")}
    budget = [("缝纫机", appeal.target_fen)]
    return NewAppeal(draft_id="again", title="买两台缝纫机", deadline=appeal.deadline, budget=budget, **same)
