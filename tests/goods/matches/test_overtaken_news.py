"""What can be answered no more does not come as news later: a proposal, a donor's question, a reminder."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.goods.matches import answers
from models.goods.matches.locks import lock_match
from models.goods.matches.telling import tell_reminder
from models.notifications.notification import Notification
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of nine quilts, proposed to Wang, who has not read that yet."""
    handover.open_point()
    return handover.match(
        handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang"), told=False)
    )


def unread(handover: Handover, name: str) -> list[str]:
    with handover.session() as db:
        theirs = (Notification.conversation_id == handover.conversation(name)) & (Notification.state == "owed")
        return list(db.scalars(select(Notification.template).where(theirs).order_by(Notification.id)))


def test_a_proposal_that_was_answered_by_another_way_is_no_news(handover: Handover, match: int) -> None:
    assert unread(handover, "wang") == ["goods_proposed"]
    handover.advance(match, "recipient_ok")
    assert unread(handover, "wang") == []
    assert unread(handover, "qin") == ["goods_wanted"]
    assert "轮到您家" not in handover.say("wang", "你好")


def test_a_proposal_that_lapsed_is_told_as_ended_alone(handover: Handover, match: int) -> None:
    handover.lapse(match)
    assert unread(handover, "wang") == ["goods_ended"]


def test_a_donor_is_asked_while_one_household_waits(handover: Handover, match: int) -> None:
    with handover.session() as db:
        offer = lock_match(db, match).offer.id
    other = handover.match(offer, handover.ask(handover.resident("li"), told=False))
    for one in (match, other):
        handover.advance(one, "recipient_ok")
    assert unread(handover, "qin") == ["goods_wanted"]
    with handover.session() as db:
        answers.leave(db, handover.people["wang"], match, handover.stage.clock())
    assert unread(handover, "qin")[0] == "goods_wanted"
    handover.advance(other, "donor_ok")
    assert "goods_wanted" not in unread(handover, "qin")
    assert "寄不寄" not in handover.say("qin", "你好")


def test_a_question_that_lapsed_unread_is_no_news(handover: Handover, match: int) -> None:
    handover.advance(match, "recipient_ok")
    handover.stage.clock.move(timedelta(days=30))
    handover.lapse(match, "donor")
    assert unread(handover, "qin") == ["goods_freed"]


def test_a_reminder_is_no_news_once_it_is_done(handover: Handover, match: int) -> None:
    handover.advance(match, "donor_ok")
    with handover.session() as db:
        held = lock_match(db, match)
        tell_reminder(db, held.match, held.offer, held.request, handover.stage.clock())
    assert "goods_unsent" in unread(handover, "qin")
    handover.advance(match, "in_transit")
    assert "goods_unsent" not in unread(handover, "qin")
