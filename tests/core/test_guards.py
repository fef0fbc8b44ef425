"""The rules that the tables hold by themselves, and who counts as staff, whatever the program above them does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.appeals.review import approve, reject, send_back
from models.core.encryption import Keyring, use_keyring
from models.giving.pledge import Pledge
from models.notifications.notification import count_unread
from models.notifications.notify import notify
from models.people.message import Message, MessageKind
from models.people.user import IdNumberTaken, User, check_id_number_free
from models.staff.member import Staff, find_staff
from models.staff.turn import HasConflict
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


@pytest.mark.parametrize(
    "change",
    [
        {"target_fen": 600_000},
        {"kind": "crowdfund", "target_fen": 40_000_000},
        {"published_at": None},
        {"deadline": "later"},
        {"target_fen": 0},
        {"state": "frozen"},
        {"state": "no such state"},
    ],
    ids=str,
)
def test_a_published_appeal_keeps_what_people_gave_to(stage: Stage, change: dict[str, Any]) -> None:
    stage.open_appeal()
    if "deadline" in change:
        change = {"deadline": stage.clock() + timedelta(days=99)}
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Appeal).values(**change))


@pytest.mark.parametrize(
    "wrong", [{"target_fen": 29_999_999, "kind": "crowdfund"}, {}, {"category": "no such category"}], ids=str
)
def test_an_appeal_that_must_not_be_cannot_be_written(stage: Stage, wrong: dict[str, Any]) -> None:
    """Too small for crowdfunding; a second one open in its category; a category that is none."""
    number = stage.open_appeal()
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, number)
        fields = {column.name: getattr(appeal, column.name) for column in Appeal.__table__.columns}
        again = {**fields, "id": None, "draft_id": "again", "category": "housing" if wrong else "industry", **wrong}
        db.add(Appeal(**again))
        with pytest.raises(IntegrityError):
            db.flush()


@pytest.mark.parametrize("wrong", [{"amount_fen": 99}, {"amount_fen": -100}, {"state": "no such state"}], ids=str)
def test_a_pledge_that_must_not_be_cannot_be_written(stage: Stage, wrong: dict[str, Any]) -> None:
    number, donor = stage.open_appeal(), stage.register("o-li", "donor")
    right = {"draft_id": "d", "code": "ABCDEFGHJK", "appeal_id": number, "donor_id": donor, "amount_fen": 100}
    with Database(stage.database) as db:
        db.add(Pledge(**{**right, "anonymous": False, "created_at": stage.clock(), **wrong}))
        with pytest.raises(IntegrityError):
            db.flush()


def test_one_id_number_is_one_person_for_the_table_too(stage: Stage) -> None:
    first, second = stage.register("o-wang", "resident"), stage.register("o-li", "resident")
    with Database(stage.database) as db:
        db.get_one(User, second).id_hash = db.get_one(User, first).id_hash
        with pytest.raises(IntegrityError):
            db.flush()


def test_one_id_number_is_one_person_while_a_new_data_key_takes_over(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    old = stage.settings.data_keys.get_secret_value()
    use_keyring(Keyring.parse(f"{'A' * 43}=,{old}"))
    try:
        with Database(stage.database) as db, pytest.raises(IdNumberTaken):
            check_id_number_free(db, id_number(3), None, stage.clock())
    finally:
        use_keyring(Keyring.parse(old))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "suspended"},
        {"state": "revoked"},
        {"active_from": timedelta(minutes=1)},
        {"active_until": timedelta(0)},
        {"account": "gh_another"},
    ],
    ids=str,
)
def test_staff_are_staff_while_they_are_active_and_with_their_own_wechat(stage: Stage, change: dict[str, Any]) -> None:
    number = stage.appoint("o-zhou", "village")
    now = stage.clock()
    with Database(stage.database) as db:
        staff = db.get_one(Staff, number)
        assert find_staff(db, wechat.ACCOUNT, "o-zhou", now) is staff
        for name, value in change.items():
            setattr(staff, name, now + value if isinstance(value, timedelta) else value)
        db.flush()
        assert find_staff(db, wechat.ACCOUNT, "o-zhou", now) is None


def test_nobody_passes_what_their_household_asks_for_also_when_only_the_register_of_staff_knows(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    officer = stage.appoint("o-zhou", "village", DAOXIAN_MEIHUA)
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, number)
        staff = db.get_one(Staff, officer)
        staff.household_id = appeal.household_id
        db.flush()
        for decide in (approve, partial(send_back, reasons=("story_unclear",)), partial(reject, reasons=("not_true",))):
            with pytest.raises(HasConflict) as refused:
                decide(db, staff, number, now=stage.clock())
            assert refused.value.values["reason"] == "own_household"


def test_a_notice_is_owed_once_per_key_and_a_silent_event_reads_none(stage: Stage) -> None:
    person = stage.person("o-li")
    with Database(stage.database) as db, db.begin():
        for _ in range(3):
            notify(db, person, "ticket_answered", {"number": 1, "words": "明天去看您"}, "once", stage.clock())
        assert count_unread(db, person) == 1
    where = {"Latitude": "25.6", "Longitude": "111.6", "Precision": "1"}
    assert stage.deliver(wechat.event("LOCATION", "o-li", **where)) == (200, "")
    with Database(stage.database) as db:
        assert count_unread(db, person) == 1
    assert "明天去看您" in stage.say("o-li", "菜单")
    with Database(stage.database) as db:
        assert count_unread(db, person) == 0


def test_the_numbers_of_a_list_mean_what_they_said_for_two_days(stage: Stage) -> None:
    stage.open_appeal()
    stage.say("o-li", "看求助")
    stage.clock.move(timedelta(hours=47))
    assert "求助 1 号" in stage.say("o-li", "1")
    stage.say("o-li", "看求助")
    stage.clock.move(timedelta(hours=49))
    assert "没有这个数字可选" in stage.say("o-li", "1")


MESSAGE = Message(MessageKind.EVENT, "gh_1", "oAunt", 1_795_600_000, msg_id="7", event="click", event_key="menu")


@pytest.mark.parametrize(
    "change",
    [
        {"account": "gh_2"},
        {"openid": "oUncle"},
        {"created": 1_795_600_001},
        {"msg_id": "8"},
        {"event": "view"},
        {"event_key": "help"},
    ],
    ids=str,
)
def test_messages_that_differ_are_two_and_the_same_one_is_one(change: dict[str, Any]) -> None:
    assert replace(MESSAGE).key == MESSAGE.key
    assert replace(MESSAGE, **change).key != MESSAGE.key
