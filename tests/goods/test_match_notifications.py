"""Who hears that the like of what they ask for, or of what they give away, has come."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from models.core.state_machine import SYSTEM
from models.goods.exchange import OFFER_MACHINE, GoodsRequest, Offer
from models.goods.match_notifications import notify_donors, notify_households
from models.notifications.mute import mute
from models.people.conversation import Conversation
from models.people.user import User
from tests.scenes.goods import GUANGZHOU, LONGHUI, YONGZHOU, Village
from tests.scenes.goods import village as village


def test_a_household_hears_of_the_like_of_what_it_asks_for(village: Village) -> None:
    request = village.ask(village.resident("wang"))
    village.ask(village.resident("li"), "棉鞋")
    village.ask(village.resident("zhao"), "厚被子", "household")
    offer = village.give(village.donor("qin"))
    facts = {"number": request, "item": "厚被子", "offer": offer, "offered": "新棉被", "count": 1}
    assert village.heard("wang") == [("match_found", facts)]
    assert village.who_heard() == ["wang"]


def test_a_donor_hears_who_asks_for_the_like_of_what_they_give(village: Village) -> None:
    offer = village.give(village.donor("qin"))
    village.give(village.donor("sun"), "棉鞋")
    request = village.ask(village.resident("wang"))
    facts = {"number": offer, "item": "新棉被", "request": request, "wanted": "厚被子", "count": 1}
    assert village.heard("qin") == [("need_found", {**facts, "place": "湖南省永州市道县梅花镇"})]
    assert village.who_heard() == ["qin"]


def test_nobody_hears_of_their_own_or_of_their_households(village: Village) -> None:
    village.resident("wang")
    village.resident("son")
    with village.session() as db:
        household = db.get_one(User, village.people["wang"]).household_id
        db.execute(update(User).where(User.id == village.people["son"]).values(household_id=household))
    village.ask("wang")
    village.give("wang")
    village.give("son")
    assert village.who_heard() == []
    village.ask_again("son")
    assert village.who_heard() == []


@pytest.mark.parametrize("state", ["met", "withdrawn", "expired", "draft"])
def test_a_request_that_is_over_brings_no_news(village: Village, state: str) -> None:
    number = village.ask(village.resident("wang"), told=False)
    village.give(village.donor("qin"), told=False)
    with village.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(state=state))
    village.give("qin")
    with village.session() as db:
        notify_donors(db, db.get_one(GoodsRequest, number), village.stage.clock())
    assert village.who_heard() == []


@pytest.mark.parametrize("state", ["exhausted", "withdrawn", "expired", "screened", "draft"])
def test_an_offer_that_is_over_brings_no_news(village: Village, state: str) -> None:
    number = village.give(village.donor("qin"), told=False)
    village.ask(village.resident("wang"), told=False)
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == number).values(state=state))
    village.ask_again("wang")
    with village.session() as db:
        notify_households(db, db.get_one(Offer, number), village.stage.clock())
    assert village.who_heard() == []


def test_what_is_all_reserved_brings_no_news_until_it_is_free_again(village: Village) -> None:
    number = village.give(village.donor("qin"), told=False)
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == number).values(available=0, reserved=9))
    village.ask(village.resident("wang"))
    assert village.who_heard() == []
    with village.session() as db:
        offer = db.get_one(Offer, number)
        OFFER_MACHINE.move(db, offer, "exhausted", SYSTEM, village.stage.clock())
        offer.available, offer.reserved = 9, 0
        OFFER_MACHINE.move(db, offer, "available", SYSTEM, village.stage.clock())
        notify_households(db, offer, village.stage.clock())
    assert village.who_heard() == ["wang"]


def test_what_is_past_its_day_brings_no_news(village: Village) -> None:
    village.donor("qin"), village.donor("sun"), village.resident("wang")
    village.give("qin", "菜籽油", "oil", best_before=date(2026, 12, 31))
    village.give("sun", "菜籽油", "oil", best_before=date(2027, 1, 1))
    # The last hours of 31 December in London are 1 January in China.
    village.stage.clock.now = village.stage.clock.now.replace(month=12, day=31, hour=15, minute=59)
    village.ask("wang", "油", "oil")
    assert village.who_heard() == ["sun"]
    village.stage.clock.move(timedelta(minutes=1))
    village.ask_again("wang", "油", "oil")
    assert len(village.heard("sun")) == 1


def test_what_must_be_fetched_is_told_of_within_its_city_only(village: Village) -> None:
    village.ask(village.resident("wang"))
    village.ask(village.resident("far", LONGHUI))
    village.give(village.donor("qin"), handover="pickup", region=YONGZHOU)
    assert village.who_heard() == ["wang"]
    village.give(village.donor("sun"), handover="pickup", region=GUANGZHOU)
    village.ask_again("far")
    village.ask_again("wang")
    assert [len(village.heard(name)) for name in ("wang", "far", "qin", "sun")] == [1, 0, 1, 0]


def test_who_muted_left_or_was_erased_is_passed_over(village: Village) -> None:
    for name in ("muted", "left", "erased", "wang"):
        village.ask(village.resident(name), told=False)
        village.give(name, "铅笔", "books", told=False)
    muted, gone = village.conversation("muted"), village.conversation("left")
    with village.session() as db:
        mute(db, muted, "matches", village.stage.clock())
        left = update(Conversation).where(Conversation.id == gone)
        db.execute(left.values(following=False))
        db.execute(update(User).where(User.id == village.people["erased"]).values(state="erased"))
    village.give(village.donor("qin"))
    village.ask(village.resident("li"), "彩笔", "books")
    assert village.who_heard() == ["wang"]
    assert [kind for kind, _ in village.heard("wang")] == ["match_found", "need_found"]


def test_what_no_word_of_ours_ever_sorted_is_the_like_of_nothing(village: Village) -> None:
    """Rows from before there were sorts."""
    number = village.ask(village.resident("wang"), told=False)
    with village.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(sort=None))
    offer = village.give(village.donor("qin"))
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == offer).values(sort=None))
    village.ask_again("wang")
    assert village.who_heard() == []
