"""Which donors hear that a household asks for the like of what they gave: those of whose gifts nothing is left."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from models.goods.exchange import GoodsRequest, Offer
from models.goods.need_notifications import REMEMBERED, notify_donors
from models.notifications.mute import mute
from models.people.conversation import Conversation
from models.people.user import User
from tests.scenes.goods import GUANGZHOU, LONGHUI, YONGZHOU, Village
from tests.scenes.goods import village as village


def test_who_gave_all_of_it_hears_who_asks_for_the_like(village: Village) -> None:
    offer = village.gave(village.donor("qin"))
    village.gave(village.donor("sun"), "棉鞋")
    request = village.ask(village.resident("wang"))
    facts = {"number": offer, "item": "新棉被", "request": request, "wanted": "厚被子", "count": 1}
    assert village.heard("qin") == [("need_found", {**facts, "place": "湖南省永州市道县梅花镇"})]
    assert village.who_heard() == ["qin"]


def test_while_somebody_gives_it_nobody_is_asked_for_more(village: Village) -> None:
    village.gave(village.donor("qin"))
    village.give(village.donor("sun"))
    village.ask(village.resident("wang"))
    assert village.who_heard() == []


def test_nobody_hears_of_their_own_or_of_their_households(village: Village) -> None:
    village.resident("wang")
    village.resident("son")
    with village.session() as db:
        household = db.get_one(User, village.people["wang"]).household_id
        db.execute(update(User).where(User.id == village.people["son"]).values(household_id=household))
    village.gave("wang")
    village.gave("son")
    village.ask("wang")
    village.ask_again("son")
    assert village.who_heard() == []


@pytest.mark.parametrize("values", [*({"state": state} for state in ("met", "withdrawn", "expired")), {"sort": None}])
def test_a_request_that_is_over_or_of_no_sort_brings_no_news(village: Village, values: dict[str, str | None]) -> None:
    number = village.ask(village.resident("wang"), told=False)
    village.gave(village.donor("qin"))
    with village.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(**values))
    with village.session() as db:
        notify_donors(db, db.get_one(GoodsRequest, number), village.stage.clock())
    assert village.who_heard() == []


@pytest.mark.parametrize("state", ["returned", "withdrawn", "expired", "submitted"])
def test_the_donor_of_what_was_not_given_hears_nothing(village: Village, state: str) -> None:
    number = village.gave(village.donor("qin"))
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == number).values(state=state))
    village.ask(village.resident("wang"))
    assert village.who_heard() == []


def test_who_gave_longer_ago_than_a_year_is_not_asked_again(village: Village) -> None:
    village.gave(village.donor("qin"))
    village.resident("wang")
    village.stage.clock.move(REMEMBERED)
    village.ask("wang")
    assert village.who_heard() == []


def test_what_had_to_be_fetched_is_thought_of_within_its_city_only(village: Village) -> None:
    village.gave(village.donor("qin"), handover="pickup", region=YONGZHOU)
    village.gave(village.donor("sun"), handover="pickup", region=GUANGZHOU)
    village.ask(village.resident("far", LONGHUI))
    assert village.who_heard() == []
    village.ask(village.resident("wang"))
    assert village.who_heard() == ["qin"]


def test_who_muted_left_or_was_erased_is_passed_over(village: Village) -> None:
    for name in ("muted", "left", "erased", "qin"):
        village.gave(village.donor(name), "铅笔", "books")
    muted, gone = village.conversation("muted"), village.conversation("left")
    with village.session() as db:
        mute(db, muted, "matches", village.stage.clock())
        left = update(Conversation).where(Conversation.id == gone)
        db.execute(left.values(following=False))
        db.execute(update(User).where(User.id == village.people["erased"]).values(state="erased"))
    village.ask(village.resident("li"), "彩笔", "books")
    assert village.who_heard() == ["qin"]


def test_many_in_a_day_are_one_word(village: Village) -> None:
    village.gave(village.donor("qin"))
    for name in ("a", "b", "c"):
        last = village.ask(village.resident(name), f"厚被子{name}")
        village.stage.clock.move(timedelta(hours=1))
    [(_, facts)] = village.heard("qin")
    assert (facts["count"], facts["request"], facts["wanted"]) == (3, last, "厚被子c")
