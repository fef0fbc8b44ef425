"""What requests and offers carry for matching: the day of need, what is still missing, one request of a sort."""

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from flows.engine.engine import Engine
from flows.engine.session import Draft, Session
from flows.goods.offer import offer_goods
from flows.goods.request import request_goods
from models.core.state_machine import Actor, By
from models.goods.ending import renew
from models.goods.exchange import GoodsRequest, Offer
from models.goods.expiry import ask_about_old
from models.goods.matches import holding, locks
from models.goods.one_request import RequestedAlready
from models.goods.review import publish
from models.goods.rules import STRICT
from models.goods.submission import (
    REQUEST_REVIEW,
    InUse,
    LessThanPromised,
    NewOffer,
    NewRequest,
    make_request,
    mend_offer,
    mend_request,
)
from models.notifications.notification import Notification
from models.people.user import User
from models.public.catalogue import REQUESTS
from tests.harness.racing import at_once
from tests.scenes.goods import GUANGZHOU, OFFICER, REASON, Village
from tests.scenes.goods import village as village
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

QUILT = NewRequest("again", "clothes", "厚被子", "piece", 2, REASON, "431124101000", "bedding")


@pytest.fixture
def half_given(handover: Handover) -> Handover:
    """Offer 1 of nine, of which request 1 is promised one of two."""
    handover.open_point()
    request = handover.ask(handover.resident("wang"), told=False)
    handover.match(handover.give(handover.donor("qin"), told=False), request, 1)
    return handover


def test_a_request_shows_what_is_still_missing(half_given: Handover) -> None:
    with half_given.session() as db:
        shown = REQUESTS.find(db, 1, None)
        assert shown is not None
        assert (shown.quantity, shown.missing) == (2, 1)
        db.get_one(GoodsRequest, 1).promised = 2
        db.flush()
        assert REQUESTS.page(db, [], half_given.stage.clock()).items == []


def test_what_was_agreed_to_is_not_turned_into_something_else(half_given: Handover) -> None:
    now, rules = half_given.stage.clock(), STRICT
    given = NewOffer("x", "clothes", "新棉被", "piece", 5, "good", None, "pickup", GUANGZHOU, "bedding", 2)
    with half_given.session() as db:
        request, offer = db.get_one(GoodsRequest, 1), db.get_one(Offer, 1)
        for other in (replace(QUILT, item="棉鞋", sort="shoes"), replace(QUILT, unit="box")):
            with pytest.raises(InUse):
                mend_request(db, request, other, now)
        with pytest.raises(InUse):
            mend_offer(db, offer, replace(given, item="旧棉被"), now, rules)
        mend_request(db, request, replace(QUILT, quantity=3, need_by=date(2026, 12, 31)), now)
        mend_offer(db, offer, given, now, rules)
        assert (request.quantity, request.missing, request.need_by) == (3, 2, date(2026, 12, 31))
        assert (offer.available, offer.reserved, offer.smallest, offer.handover) == (5, 1, 2, "pickup")


def test_a_request_asks_for_no_less_than_it_was_promised(half_given: Handover) -> None:
    with half_given.session() as db:
        request = db.get_one(GoodsRequest, 1)
        request.promised = 2
        with pytest.raises(LessThanPromised):
            mend_request(db, request, replace(QUILT, quantity=1), half_given.stage.clock())


def test_a_request_that_was_mended_to_what_it_got_is_met(half_given: Handover) -> None:
    half_given.advance(1, "collected")
    with half_given.session() as db:
        request, now = db.get_one(GoodsRequest, 1), half_given.stage.clock()
        mend_request(db, request, replace(QUILT, quantity=1), now)
        publish(db, REQUEST_REVIEW, request, OFFICER, now)
        assert request.state == "met"


def test_of_two_requests_of_one_sort_at_once_one_is_made(village: Village) -> None:
    village.resident("wang")

    def ask(draft: str) -> int:
        with village.session() as db:
            owner = db.get_one(User, village.people["wang"])
            return make_request(db, replace(QUILT, draft_id=draft), owner, village.stage.clock()).id

    results = at_once([partial(ask, f"d{n}") for n in range(8)])
    assert [kind for kind in map(type, results) if kind is not RequestedAlready] == [int]


def test_the_database_itself_has_one_request_of_a_sort(village: Village) -> None:
    village.ask(village.resident("wang"), told=False)
    village.ask("wang", "棉鞋", told=False)
    twin = text("UPDATE goods_requests SET sort = (SELECT sort FROM goods_requests WHERE id = 1) WHERE id = 2")
    with pytest.raises(IntegrityError, match="uq_goods_requests_waiting"), village.session() as db:
        db.execute(twin)


def test_a_request_that_ended_leaves_room_for_another(village: Village) -> None:
    first = village.ask(village.resident("wang"), told=False)
    with pytest.raises(RequestedAlready):
        village.ask("wang", told=False)
    with village.session() as db:
        db.get_one(GoodsRequest, first).state = "met"
    assert village.ask("wang", told=False) != first


def test_what_was_never_handed_out_waits_again_beside_a_newer_request(half_given: Handover) -> None:
    """The county undoes a collection after the household asked anew: both of its requests wait."""
    with half_given.session() as db:
        db.get_one(GoodsRequest, 1).quantity = 1
    half_given.advance(1, "collected")
    newer = half_given.ask("wang", told=False)
    with half_given.session() as db:
        held = locks.lock_match(db, 1)
        holding.dispute(db, held, Actor.owner(held.request.owner_id), half_given.stage.clock())
        holding.take_back(db, held, Actor(By.TOWNSHIP, "staff:9"), half_given.stage.clock())
    with half_given.session() as db:
        assert [db.get_one(GoodsRequest, number).state for number in (1, newer)] == ["open", "open"]


def asked(village: Village) -> list[dict[str, object]]:
    with village.session() as db:
        return [json.loads(row.facts) for row in db.scalars(select(Notification).filter_by(template="goods_old"))]


def test_past_its_day_a_request_is_asked_about_and_renewed_without_a_day(village: Village) -> None:
    number = village.ask(village.resident("wang"), told=False)
    now = village.stage.clock()
    with village.session() as db:
        db.get_one(GoodsRequest, number).need_by = date(2026, 11, 30)
    for days, count in ((5, 0), (6, 1), (7, 1)):
        with village.session() as db:
            # 24 November and six days is the 30th; in China the day after begins eight hours earlier.
            ask_about_old(db, STRICT, now + timedelta(days=days, hours=16))
        assert len(asked(village)) == count
    assert asked(village)[0]["need_by"] == "2026-11-30"
    with village.session() as db:
        request = renew(db, village.people["wang"], "request", number, now + timedelta(days=7))
        assert (request.need_by, request.asked_at) == (None, None)


@pytest.mark.parametrize(("version", "kept"), [(2, []), (3, ["handover"])])
def test_an_open_draft_is_asked_anew_how_the_goods_get_there(version: int, kept: list[str]) -> None:
    """Until version 2 "pickup" meant that the household fetches it from the donor's home."""
    answers = {"category": "oil", "handover": "pickup"}
    session = Session(drafts=[Draft("d", "offer_goods", version, 0, 0, answers=answers)], focus="d")
    Engine([offer_goods]).migrate_drafts(session)
    assert [name for name in session.drafts[0].answers if name == "handover"] == kept


def test_an_open_draft_of_a_request_keeps_its_answers() -> None:
    answers = {"category": "seeds", "item": "玉米种子", "unit": "bag", "count": 2, "reason": REASON}
    session = Session(drafts=[Draft("d", "request_goods", 1, 0, 0, answers=dict(answers))], focus="d")
    Engine([request_goods]).migrate_drafts(session)
    assert session.drafts[0].answers == {**answers, "item": {"name": "玉米种子"}}
