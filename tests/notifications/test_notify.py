"""Notifications are written once per key, to those who want them, and joined only with what is about the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.notifications.mute import mute
from models.notifications.notification import Notification
from models.notifications.notify import lock_notified, notify, notify_user
from models.notifications.opt_out import turn_off
from models.people.conversation import Conversation
from tests.harness.stage import Stage

GIFT = {
    "number": 1,
    "title": "路",
    "raised_fen": 100,
    "paid_fen": 100,
    "gifts": 1,
    "target_fen": 900,
    "amount_fen": 100,
    "name": None,
}
GIFT |= {"new_gifts": 1, "matched_fen": 0, "paid": True}
WHAT = ("appeal", 1)


@dataclass
class Desk:
    stage: Stage
    db: Database
    mine: int
    other: int

    def rows(self, conversation_id: int) -> list[Notification]:
        theirs = select(Notification).where(Notification.conversation_id == conversation_id)
        return list(self.db.scalars(theirs.order_by(Notification.id).execution_options(populate_existing=True)))

    def gift(self, conversation_id: int, key: str, about: tuple[str, int] = WHAT) -> None:
        notify(self.db, conversation_id, "pledged", GIFT, key, self.stage.clock(), about)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    stage = Stage(database_url)
    stage.say("o-mine", "你好")
    stage.say("o-other", "你好")
    with Database(stage.database) as db:
        yield Desk(stage, db, stage.person("o-mine"), stage.person("o-other"))
    stage.close()


def test_a_user_is_notified_once_in_each_conversation(desk: Desk) -> None:
    user = desk.stage.register("o-third", "donor")
    third = desk.stage.person("o-third")
    desk.db.get_one(Conversation, desk.mine).user_id = user
    desk.db.flush()
    facts, now = {"number": 1, "words": "好"}, desk.stage.clock()
    for _ in range(2):
        assert notify_user(desk.db, user, "ticket_answered", facts, "answer:1", now, ("ticket", 1)) == 2
    assert [len(desk.rows(each)) for each in (desk.mine, third, desk.other)] == [1, 1, 0]
    found = {notification.conversation_id for notification in lock_notified(desk.db, user, "answer:1")}
    assert found == {desk.mine, third}
    assert lock_notified(desk.db, user, "answer:2") == []


def test_unread_gifts_to_one_appeal_are_joined_and_nothing_else_is(desk: Desk) -> None:
    notify(desk.db, desk.mine, "milestone", {**GIFT, "percent": 50}, "half", desk.stage.clock(), WHAT)
    desk.gift(desk.mine, "gift:1")
    desk.gift(desk.mine, "gift:2", ("appeal", 2))
    desk.gift(desk.other, "gift:3")
    desk.gift(desk.mine, "gift:4")
    kinds = [(row.template, row.subject_id, '"amount_fen": 200' in row.facts) for row in desk.rows(desk.mine)]
    assert kinds == [("milestone", 1, False), ("pledged", 1, True), ("pledged", 2, False)]
    assert [row.dedupe_key for row in desk.rows(desk.other)] == ["gift:3"]


def test_after_one_was_sent_the_next_of_its_kind_waits(desk: Desk) -> None:
    desk.gift(desk.mine, "gift:1")
    (first,) = desk.rows(desk.mine)
    first.state, first.sent_at = "sent", desk.stage.clock()
    desk.db.flush()
    desk.stage.clock.move(timedelta(hours=1))
    desk.gift(desk.mine, "gift:2")
    desk.gift(desk.mine, "gift:3", ("appeal", 2))
    _, second, third = desk.rows(desk.mine)
    assert second.due_at - first.created_at == timedelta(hours=6)
    assert third.due_at == desk.stage.clock()


def test_what_is_turned_off_for_one_appeal_still_comes_for_others_and_to_others(desk: Desk) -> None:
    mute(desk.db, desk.mine, "gifts", desk.stage.clock(), 1)
    for conversation_id in (desk.mine, desk.other):
        desk.gift(conversation_id, f"one:{conversation_id}")
        desk.gift(conversation_id, f"two:{conversation_id}", ("appeal", 2))
    assert [[row.subject_id for row in desk.rows(each)] for each in (desk.mine, desk.other)] == [[2], [1, 2]]
    mute(desk.db, desk.other, "progress", desk.stage.clock())
    desk.gift(desk.other, "three", ("appeal", 3))
    assert len(desk.rows(desk.other)) == 3


def test_who_turns_a_topic_off_takes_nothing_from_others(desk: Desk) -> None:
    for conversation_id in (desk.mine, desk.other):
        desk.gift(conversation_id, f"one:{conversation_id}")
        desk.gift(conversation_id, f"two:{conversation_id}", ("appeal", 2))
    turn_off(desk.db, desk.mine, "gifts", desk.stage.clock(), 1)
    assert [[row.subject_id for row in desk.rows(each)] for each in (desk.mine, desk.other)] == [[2], [1, 2]]
    turn_off(desk.db, desk.mine, "gifts", desk.stage.clock())
    assert [len(desk.rows(each)) for each in (desk.mine, desk.other)] == [0, 2]
