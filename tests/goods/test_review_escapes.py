"""What an officer sent back, took down or has still to look at does not become public by itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session as Database

from models.goods import household
from models.goods.ending import end
from models.goods.exchange import Offer
from models.goods.review import approve, return_or_reject
from models.goods.rules import STRICT
from models.goods.submission import NewOffer, make_offer, mend_offer
from models.market.listing import Listing
from models.market.submission import NewListing, submit_listing
from models.people.user import User
from models.public.catalogue import MARKET
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.goods import GUANGZHOU, endorsed
from tests.scenes.reports import reports

KNOWN = replace(STRICT, known_after=2, reviewed_of_hundred=0)
ALL = replace(KNOWN, reviewed_of_hundred=100)
COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-county", "county", COUNTY)
    yield stage
    stage.close()


def quilt(draft: str) -> NewOffer:
    return NewOffer(draft, "clothes", "新棉被", "piece", 9, "new", None, "post", GUANGZHOU, "bedding")


def officer(db: Database) -> Staff:
    return db.get_one(Staff, 1)


def known_giver(stage: Stage) -> int:
    donor = stage.register("o-li", "donor")
    with Database(stage.database) as db, db.begin():
        for serial in range(KNOWN.known_after):
            offer = make_offer(db, quilt(f"k{serial}"), db.get_one(User, donor), stage.clock(), KNOWN)
            approve(db, officer(db), "offer", offer.id, KNOWN, stage.clock())
    return donor


@pytest.mark.parametrize("sent_back", [True, False])
def test_a_known_giver_escapes_no_look_by_handing_it_in_again(stage: Stage, sent_back: bool) -> None:
    donor = known_giver(stage)
    with Database(stage.database) as db, db.begin():
        offer = make_offer(db, quilt("x"), db.get_one(User, donor), stage.clock(), ALL)
        assert offer.state == "submitted"
        if sent_back:
            return_or_reject(db, officer(db), "offer", offer.id, "return", ["unclear"], stage.clock())
        mend_offer(db, offer, quilt("x"), stage.clock(), KNOWN)
        assert offer.state == "submitted"


def test_who_had_one_taken_down_after_a_report_is_no_known_giver(stage: Stage) -> None:
    donor = known_giver(stage)
    stage.appoint("o-judge", "county", COUNTY)
    stage.clock.move(timedelta(hours=1))
    reports(stage, "o-neighbour", "送物1", kind="4")
    for words in ("看 举报1", "1", "1"):
        stage.say("o-judge", words)
    with Database(stage.database) as db, db.begin():
        assert db.get_one(Offer, 1).state == "withdrawn"
        again = make_offer(db, quilt("again"), db.get_one(User, donor), stage.clock(), KNOWN)
        assert again.state == "submitted"


def test_mending_does_not_save_what_is_reported(stage: Stage) -> None:
    known_giver(stage)
    stage.appoint("o-judge", "county", COUNTY)
    stage.clock.move(timedelta(hours=1))
    reports(stage, "o-neighbour", "送物1", kind="4")
    with Database(stage.database) as db, db.begin():
        mend_offer(db, db.get_one(Offer, 1), quilt("k0"), stage.clock(), ALL)
    for words in ("看 举报1", "1", "1"):
        stage.say("o-judge", words)
    with Database(stage.database) as db:
        assert db.get_one(Offer, 1).state == "withdrawn"


def test_what_is_sold_out_of_a_suspended_household_is_hidden_and_comes_back_sold_out(stage: Stage) -> None:
    seller = stage.register("o-long", "resident")
    with Database(stage.database) as db, db.begin():
        endorsed(db, db.get_one(User, seller), stage.clock())
        wanted = NewListing("l", "handicraft", "竹篮", "piece", 6_000, 9, None, "https://shop.example/x")
        number = submit_listing(db, wanted, db.get_one(User, seller), stage.clock()).id
        approve(db, officer(db), "listing", number, STRICT, stage.clock(), ["cooperative"])
        end(db, seller, "listing", number, "sold_out", stage.clock())
        house = db.get_one(User, seller).household_id or 0
        household.hide(db, house, stage.clock())
        assert MARKET.find(db, number, None) is None
        household.open_reviews(db, house, stage.clock())
        approve(db, officer(db), "listing", number, STRICT, stage.clock(), ["cooperative"])
        assert db.get_one(Listing, number).state == "sold_out"
