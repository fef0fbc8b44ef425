"""Updates and calls: nobody decides on their own, one officer publishes once, and who is erased is in nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, freeze
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.database import snapshot
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, WrongState
from models.notifications.broadcast import Broadcast, plan_page
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.outreach.emergency_call import CalledToday, call
from models.outreach.update import Update
from models.outreach.update_review import NoSuchUpdate, TakesNoUpdates, open_update, publish, send_back, submit
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.public.views import find_update
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from tests.harness.erasing import erase_person, everything
from tests.harness.stage import Stage

WORDS = "路基修好了一公里，水泥下个月到，开春就能通车。"


def tell_of(stage: Stage, number: int, draft: str = "told-1", pictures: int = 1) -> int:
    """An update of the stage's appeal, with its pictures here."""
    shown = [{"media_id": f"{draft}-{n}", "pic_url": "http://127.0.0.1/n.jpg"} for n in range(pictures)]
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number, with_for_update=True)
        person = db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)).one()
        submit(db, appeal, draft, WORDS, shown, person, stage.clock())
        db.execute(update(Photo).where(Photo.subject == "update").values(state="kept", path="000/1.jpg"))
        return db.scalars(select(Update.id).where(Update.draft_id == draft)).one()


def staff(db: Database, name: str) -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == f"o-{name}")).one()


def test_the_same_draft_twice_is_one_update(stage: Stage) -> None:
    number = stage.open_appeal()
    assert tell_of(stage, number) == tell_of(stage, number)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count(Update.id))) == 1


def test_who_has_a_part_in_the_household_decides_on_nothing_it_tells(stage: Stage) -> None:
    """Own household, and an officer of elsewhere; the charity sees nothing of it."""
    number = stage.open_appeal()
    told = tell_of(stage, number)
    stage.appoint("o-owner-0", "village")
    stage.appoint("o-far", "village", "431124104000")
    stage.appoint("o-fund", "fund_holder", "430000000000")
    with Database(stage.database) as db:
        owner = db.get_one(Appeal, number).household_id
        db.execute(update(Staff).where(Staff.openid == "o-owner-0").values(household_id=owner))
        for name, why in (("owner-0", HasConflict), ("far", OutsideRegion), ("fund", NotYourTurn)):
            for decide in (publish, lambda db, who, n, now: send_back(db, who, n, ["not_true"], now)):
                with pytest.raises(why):
                    decide(db, staff(db, name), told, stage.clock())
            with pytest.raises(NoSuchUpdate):
                open_update(db, staff(db, name), told, stage.clock())
        db.commit()
    with Database(stage.database) as db:
        assert db.get_one(Update, told).state == "submitted"
        assert db.scalar(select(func.count(Broadcast.id))) == 0


def test_publishing_is_one_transaction_with_its_trail(stage: Stage) -> None:
    number = stage.open_appeal()
    told = tell_of(stage, number)
    with Database(stage.database) as db:
        publish(db, staff(db, "officer-0"), told, stage.clock())
        db.rollback()
    with Database(stage.database) as db:
        assert db.get_one(Update, told).state == "submitted"
        assert find_task(db, "update", told) is not None
        assert db.scalar(select(func.count(Broadcast.id))) == 0
    with Database(stage.database) as db, db.begin():
        publish(db, staff(db, "officer-0"), told, stage.clock())
    with Database(stage.database) as db:
        moved = (AuditEvent.subject == "update") & (AuditEvent.to_state == "published")
        assert db.scalar(select(func.count()).where(moved)) == 1
        found = find_update(db, number)
        assert found is not None
        assert (found.words, found.number) == (WORDS, told)
    with snapshot(stage.settings.database_url) as connection:
        assert list(violations(connection, stage.clock())) == []


def test_a_stopped_appeal_tells_nothing_and_nothing_of_it_is_published(stage: Stage) -> None:
    number = stage.open_appeal()
    told = tell_of(stage, number)
    with Database(stage.database) as db, db.begin():
        freeze(db, db.get_one(Appeal, number, with_for_update=True), SYSTEM, stage.clock(), "complaint")
    with pytest.raises(TakesNoUpdates):
        tell_of(stage, number, "told-2")
    with Database(stage.database) as db, pytest.raises(WrongState):
        publish(db, staff(db, "officer-0"), told, stage.clock())


def test_two_officers_publish_at_once(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    number = stage.open_appeal()
    told = tell_of(stage, number)
    for name in ("one", "two", "three"):
        stage.appoint(f"o-{name}", "village")

    def one(name: str) -> str:
        try:
            with Database(stage.database) as db, db.begin():
                publish(db, staff(db, name), told, stage.clock())
        except Refusal as refusal:
            return refusal.code
        return "published"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(one, ("one", "two", "three")))
    assert outcomes == ["not_your_turn", "not_your_turn", "published"]
    with Database(stage.database) as db:
        assert db.scalar(select(func.count(Broadcast.id))) == 1
    stage.close()


def test_one_call_a_day_for_a_county_also_at_one_moment(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    appeals = [stage.open_appeal() for _ in range(4)]
    stage.appoint("o-county", "county", "431124000000")

    def one(number: int) -> str:
        try:
            with Database(stage.database) as db, db.begin():
                call(db, staff(db, "county"), number, WORDS, stage.clock())
        except CalledToday:
            return "called_today"
        return "called"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(one, appeals))
    assert outcomes == ["called", "called_today", "called_today", "called_today"]
    stage.clock.move(timedelta(days=1))
    with Database(stage.database) as db:
        called = set(db.scalars(select(Broadcast.subject_id)))
    rested = next(number for number in appeals if number not in called)
    assert one(rested) == "called"
    stage.close()


def test_the_day_of_a_call_is_chinas(stage: Stage) -> None:
    first, second, third = (stage.open_appeal() for _ in range(3))
    stage.appoint("o-county", "county", "431124000000")
    with Database(stage.database) as db, db.begin():
        stage.clock.now = datetime(2026, 11, 24, 15, 59, tzinfo=UTC)
        call(db, staff(db, "county"), first, WORDS, stage.clock())
        stage.clock.move(timedelta(minutes=2))  # past midnight in China
        call(db, staff(db, "county"), second, WORDS, stage.clock())
        stage.clock.move(timedelta(hours=8))  # past midnight in Greenwich
        with pytest.raises(CalledToday):
            call(db, staff(db, "county"), third, WORDS, stage.clock())


def test_an_erased_owner_is_in_no_update_and_no_push_that_has_not_gone(stage: Stage) -> None:
    number = stage.open_appeal()
    told = tell_of(stage, number)
    with Database(stage.database) as db, db.begin():
        broadcast = publish(db, staff(db, "officer-0"), told, stage.clock())[1].id
        waiting = stage_donor(stage, db, broadcast)
        owner = db.scalars(
            select(Conversation.id).where(Conversation.user_id == db.get_one(Appeal, number).owner_id)
        ).one()
    second = tell_of(stage, number, "told-2")
    with Database(stage.database) as db, db.begin():
        photos = erase_person(db, owner, stage.clock())
    with Database(stage.database) as db:
        assert {one.words for one in db.scalars(select(Update))} == {""}
        assert db.get_one(Update, second).state == "withdrawn"
        assert find_task(db, "update", second) is None
        assert db.get(Notification, waiting) is None
        row = db.get_one(Broadcast, broadcast)
        assert (row.state, json.loads(row.facts)["words"]) == ("stopped", "")
        assert plan_page(db, row.id, stage.clock()) is None
        ours = db.scalars(select(Photo.id).where(Photo.subject == "update")).all()
        assert set(ours) <= set(photos)
        assert {photo.state for photo in db.scalars(select(Photo).where(Photo.subject == "update"))} == {"gone"}


@pytest.mark.parametrize("sent", ["waiting", "sent"])
def test_the_words_of_an_erased_family_reach_nobody_any_more(stage: Stage, sent: str) -> None:
    """A card went out, whose full words wait for the donor's next message; or all of it was sent."""
    number = stage.open_appeal()
    told = tell_of(stage, number)
    with Database(stage.database) as db, db.begin():
        broadcast = publish(db, staff(db, "officer-0"), told, stage.clock())[1].id
        notice = stage_donor(stage, db, broadcast)
        row = db.get_one(Notification, notice)
        row.state, row.sent_at = sent, stage.clock()
        account = db.scalars(select(Conversation.account).where(Conversation.openid == "o-owner-0")).one()
        db.execute(update(Conversation).where(Conversation.openid == "o-far-away").values(account=account))
        owner = db.scalars(select(Conversation.id).where(Conversation.openid == "o-owner-0")).one()
    with Database(stage.database) as db, db.begin():
        erase_person(db, owner, stage.clock())
    left = WORDS in everything(stage)
    heard = WORDS in stage.say("o-far-away", "菜单")
    assert not left
    assert not heard


def stage_donor(stage: Stage, db: Database, broadcast: int) -> int:
    """A notice of the fan-out that waits for its person."""
    stranger = Conversation(
        account="a", openid="o-far-away", session="", created_at=stage.clock(), touched_at=stage.clock()
    )
    db.add(stranger)
    db.flush()
    notify(db, stranger.id, "appeal_update", {"number": 1, "title": "路", "words": WORDS}, "w", stage.clock())
    notice = db.scalars(select(Notification).where(Notification.conversation_id == stranger.id)).one()
    notice.broadcast_id, notice.state = broadcast, "waiting"
    db.flush()
    return notice.id
