"""Days of waiting: they go on with who renews, and nobody gathers them with one wish to spend them on another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM, Actor
from models.goods.ending import renew
from models.goods.exchange import REQUEST_MACHINE, GoodsRequest
from models.goods.submission import NewRequest, mend_request
from tests.scenes.goods import OFFICER, Village, passed
from tests.scenes.goods import village as village

DAY = timedelta(days=1)


def wish_of(request: GoodsRequest) -> NewRequest:
    names = ("draft_id", "category", "item", "unit", "quantity", "reason", "region_code", "sort")
    return NewRequest(**{name: getattr(request, name) for name in names})


def mend(village: Village, change: Callable[[NewRequest], NewRequest], after: timedelta = 10 * DAY) -> float:
    """Mend the first request and let an officer pass it; returns for how many days it has waited then."""
    village.stage.clock.move(after)
    with village.session() as db:
        request, now = db.get_one(GoodsRequest, 1), village.stage.clock()
        mend_request(db, request, change(wish_of(request)), now)
        passed(db, "request", request, now)
    return waited(village)


def waited(village: Village) -> float:
    with village.session() as db:
        since = db.get_one(GoodsRequest, 1).waits_from
        assert since is not None
        return (village.stage.clock() - since) / DAY


@pytest.fixture
def asked(village: Village) -> Village:
    village.ask(village.resident("wang"))
    return village


def test_days_count_from_when_it_was_first_public_and_renewing_keeps_them(asked: Village) -> None:
    asked.stage.clock.move(40 * DAY)
    with asked.session() as db:
        renew(db, asked.people["wang"], "request", 1, asked.stage.clock())
    assert waited(asked) == 40


@pytest.mark.parametrize(
    ("change", "days"),
    [
        (lambda wish: replace(wish, item="厚棉被"), 10),
        (lambda wish: replace(wish, quantity=1), 10),
        (lambda wish: replace(wish, quantity=100), 0),
        (lambda wish: replace(wish, unit="box"), 0),
        (lambda wish: replace(wish, item="棉鞋", sort="shoes"), 0),
        (lambda wish: replace(wish, category="household"), 0),
    ],
)
def test_they_begin_anew_where_more_or_something_else_is_asked_for(
    asked: Village, change: Callable[[NewRequest], NewRequest], days: int
) -> None:
    assert mend(asked, change) == days


def test_less_and_then_as_much_as_before_is_more(asked: Village) -> None:
    assert mend(asked, lambda wish: replace(wish, quantity=1)) == 10
    assert mend(asked, lambda wish: replace(wish, quantity=2)) == 0


def moved(db: Session, village: Village, to: str, actor: Actor) -> None:
    REQUEST_MACHINE.move(db, db.get_one(GoodsRequest, 1), to, actor, village.stage.clock())


def test_they_begin_anew_after_it_expired(asked: Village) -> None:
    asked.stage.clock.move(60 * DAY)
    with asked.session() as db:
        moved(db, asked, "expired", SYSTEM)
    assert mend(asked, lambda wish: wish) == 0


def test_they_stand_still_while_it_lies_returned_with_its_owner(asked: Village) -> None:
    asked.stage.clock.move(5 * DAY)
    with asked.session() as db:
        moved(db, asked, "returned", OFFICER)
    assert mend(asked, lambda wish: wish, after=300 * DAY) == 5


def test_review_takes_nobodys_days(asked: Village) -> None:
    asked.stage.clock.move(5 * DAY)
    with asked.session() as db:
        request = db.get_one(GoodsRequest, 1)
        mend_request(db, request, wish_of(request), asked.stage.clock())
    asked.stage.clock.move(3 * DAY)
    with asked.session() as db:
        passed(db, "request", db.get_one(GoodsRequest, 1), asked.stage.clock())
    assert waited(asked) == 8
