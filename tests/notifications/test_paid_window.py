"""Whoever has paid may be written to for two days: WeChat counts nothing then, and neither do we."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.notifications.service_window import ServiceWindow
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give, ordered, payment_of, promise, take


def windows(stage: Stage, openid: str) -> list[ServiceWindow]:
    with Database(stage.database) as db:
        theirs = (ServiceWindow.conversation_id == stage.person(openid)) & (ServiceWindow.kind == "paid")
        return list(db.scalars(select(ServiceWindow).where(theirs)))


def test_a_payment_opens_it_and_a_later_one_longer(stage: Stage) -> None:
    appeal = stage.open_appeal()
    give(stage, appeal, 10_000, "oDonor")
    (first,) = windows(stage, "oDonor")
    assert (first.left, first.ends_at) == (None, stage.clock() + timedelta(hours=48))
    stage.clock.move(timedelta(hours=1))
    give(stage, appeal, 10_000, "oDonor")
    (second,) = windows(stage, "oDonor")
    assert second.ends_at == stage.clock() + timedelta(hours=48)


def test_one_that_is_heard_of_late_opens_it_from_when_it_was_paid(stage: Stage) -> None:
    order = ordered(stage, promise(stage, stage.open_appeal(), 10_000, "oDonor"))
    payment = payment_of(stage, order)
    stage.clock.move(timedelta(hours=47))
    take(stage, payment)
    (window,) = windows(stage, "oDonor")
    assert window.ends_at == stage.clock() + timedelta(hours=1)
