"""The two sides of an introduction, where a transcript cannot look."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.support.desk import answer_ticket
from models.support.introduction import Thread, find_threads, request_introduction
from models.support.ticket import NoSuchTicket, Ticket
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.transcript import Actor

SELLING = """@ seller
$ resident
> 上架
> 手工
> 竹编提篮
> 件
> 35
> 20
> 1
> [photo]
> 完成
> 确认
"""


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    Actor(stage).play(SELLING)
    yield stage
    stage.close()


def ask(stage: Stage, openid: str) -> int:
    """Somebody asks for the first listing; the number of the ticket."""
    with Database(stage.database) as db, db.begin():
        asker = db.scalars(select(Conversation.id).where(Conversation.openid == openid)).one()
        return request_introduction(db, 1, asker, stage.clock()).id


def answer(stage: Stage, ticket: int) -> None:
    officer = stage.appoint("o-zhou", "village") if not staff_of(stage) else staff_of(stage)[0]
    with Database(stage.database) as db, db.begin():
        answer_ticket(db, db.get_one(Staff, officer), ticket, "好", stage.clock())


def staff_of(stage: Stage) -> list[int]:
    with Database(stage.database) as db:
        return list(db.scalars(select(Staff.id)))


def told(stage: Stage) -> int:
    with Database(stage.database) as db:
        return len(db.scalars(select(Notification.id).where(Notification.template == "introduction")).all())


def threads(stage: Stage, openid: str) -> list[Thread]:
    with Database(stage.database) as db:
        person = db.scalars(select(Conversation).where(Conversation.openid == openid)).one()
        return find_threads(db, person.id, person.user_id, stage.clock())


def test_who_asks_for_an_item_is_shown_to_its_owner_alone(stage: Stage) -> None:
    Actor(stage).play(SELLING.replace("seller", "rival"))
    stage.say("o-buyer", "你好")
    first = ask(stage, "o-buyer")
    assert [thread.key for thread in threads(stage, "o-seller")] == [("beside", first)]
    assert threads(stage, "o-rival") == []
    assert "竹编提篮" not in stage.say("o-rival", "人工")
    with Database(stage.database) as db:
        newest = db.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
        assert (newest.id, newest.about, newest.beside) == (first + 1, None, None)


def test_an_owners_ticket_about_their_own_item_is_no_request_of_another(stage: Stage) -> None:
    own = ask(stage, "o-seller")
    assert [thread.key for thread in threads(stage, "o-seller")] == [("ticket", own)]


def test_an_owner_who_answered_in_another_account_sees_the_request_and_not_their_own_ticket(stage: Stage) -> None:
    stage.say("o-buyer", "你好")
    first = ask(stage, "o-buyer")
    stage.say("o-seller", "人工")
    assert [thread.beside for thread in threads(stage, "o-seller")] == [first]
    stage.say("o-seller-elsewhere", "你好")
    with Database(stage.database) as db, db.begin():
        owner = db.scalars(select(Conversation.user_id).where(Conversation.openid == "o-seller")).one()
        elsewhere = db.scalars(select(Conversation).where(Conversation.openid == "o-seller-elsewhere")).one()
        elsewhere.user_id = owner
    assert [thread.key for thread in threads(stage, "o-seller-elsewhere")] == [("beside", first)]


def test_asked_again_after_an_answer_it_is_the_same_ticket_and_news_again(stage: Stage) -> None:
    stage.say("o-buyer", "你好")
    first = ask(stage, "o-buyer")
    stage.clock.move(timedelta(hours=1))
    assert (ask(stage, "o-buyer"), told(stage)) == (first, 1)
    answer(stage, first)
    stage.clock.move(timedelta(hours=1))
    assert (ask(stage, "o-buyer"), told(stage)) == (first, 2)
    answer(stage, first)
    stage.clock.move(timedelta(days=14))
    assert ask(stage, "o-buyer") != first


def test_an_owner_has_a_ticket_for_each_who_asks(stage: Stage) -> None:
    asked = []
    for openid in ("o-buyer", "o-other"):
        stage.say(openid, "你好")
        asked.append(ask(stage, openid))
        stage.clock.move(timedelta(minutes=1))
        stage.say("o-seller", "人工")
        stage.say("o-seller", "菜单")
    with Database(stage.database) as db:
        beside = select(Ticket.beside).where(Ticket.beside.is_not(None)).order_by(Ticket.id)
        assert list(db.scalars(beside)) == asked
        assert set(db.scalars(select(Ticket.region_code))) == {DAOXIAN_MEIHUA}


def test_who_is_forgotten_is_not_reached_any_more_and_comes_back_to_nothing(stage: Stage) -> None:
    stage.say("o-buyer", "你好")
    first = ask(stage, "o-buyer")
    answer(stage, first)
    fields = {"OpenID": "o-buyer", "AppID": "wx0000000000sample"}
    stage.deliver(wechat.event("user_authorization_cancellation", "gh_platform", **fields))
    with pytest.raises(NoSuchTicket):
        answer(stage, first)
    assert "竹编提篮" not in stage.say("o-buyer", "人工")
    with Database(stage.database) as db:
        assert db.scalars(select(User.id)).all()  # the seller is still there
        assert db.get_one(Ticket, first).state == "closed"
