"""What becomes of a match, in each state, when the offer, the request or a person leaves: a table of pairs."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.words.lexicon import load_lexicon
from models.core.leaver import Leaver
from models.core.state_machine import Actor, By
from models.goods import ending, erasure, expiry, household, review
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import holding, leaving
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.submission import NewOffer, mend_offer
from models.staff.member import Staff
from models.verification.case import lock_cases
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

LEXICON = load_lexicon()
STATES = ("proposed", "recipient_ok", "donor_ok", "in_transit", "at_point", "collected", "confirmed")
END = Callable[[Handover, Match], None]


@pytest.fixture
def match(handover: Handover) -> int:
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    return handover.match(handover.give(handover.donor("qin"), told=False), request)


def thing(db: Session, name: str, number: int) -> Offer | GoodsRequest:
    return db.get_one(Offer, number) if name == "offer" else db.get_one(GoodsRequest, number)


def found(handover: Handover, match: int) -> Match:
    with handover.session() as db:
        return db.get_one(Match, match)


def _end(name: str, to: str) -> END:
    def end(handover: Handover, match: Match) -> None:
        number, owner = (match.offer_id, match.donor_id) if name == "offer" else (match.request_id, None)
        with handover.session() as db:
            owner = owner or db.get_one(GoodsRequest, match.request_id).owner_id
            ending.end(db, owner, name, number, to, handover.stage.clock())

    return end


def _take_down(name: str) -> END:
    def take_down(handover: Handover, match: Match) -> None:
        number = match.offer_id if name == "offer" else match.request_id
        handover.stage.appoint("o-county", "county", DAOXIAN_MEIHUA[:6].ljust(12, "0"))
        with handover.session() as db:
            if name == "offer":
                db.get_one(Offer, number).goes_to = DAOXIAN_MEIHUA
            county = db.scalars(select(Staff).where(Staff.openid == "o-county")).one()
            review.take_down(db, county, name, number, ("unclear",), handover.stage.clock())

    return take_down


def _unanswered(name: str) -> END:
    def expire(handover: Handover, match: Match) -> None:
        number = match.offer_id if name == "offer" else match.request_id
        now = handover.stage.clock()
        with handover.session() as db:
            thing(db, name, number).asked_at = now - timedelta(days=LEXICON.goods.days_to_answer + 1)
        with handover.session() as db:
            expiry.expire_unanswered(db, LEXICON.goods, now)

    return expire


def _suspended(handover: Handover, match: Match) -> None:
    with handover.session() as db:
        for case in lock_cases(db, match.household_id):
            case.state = "suspended"
        db.flush()
        household.hide(db, match.household_id, handover.stage.clock())


def _revoked(handover: Handover, match: Match) -> None:
    _suspended(handover, match)
    with handover.session() as db:
        for case in lock_cases(db, match.household_id):
            case.state = "revoked"
        db.flush()
        household.reject_waiting(db, match.household_id, "revoked", handover.stage.clock())


def _erased(who: str) -> END:
    def erase(handover: Handover, match: Match) -> None:
        with handover.session() as db:
            user = match.donor_id if who == "donor" else db.get_one(GoodsRequest, match.request_id).owner_id
            erasure.forget(db, Leaver(1, None, user, handover.stage.clock()), 0)

    return erase


KEEPS, SHELF = "keeps", "turned away"
# Event -> what becomes of a match that is proposed, recipient_ok, donor_ok, in_transit, at_point, collected, confirmed:
# its end and whose doing it is, KEEPS, or SHELF for what is laid on the shelf when it comes.
DONOR, HOUSEHOLD, OFFICE = ("cancelled", "donor"), ("cancelled", "household"), ("cancelled", "system")
TABLE: dict[str, tuple[END, tuple[object, ...]]] = {
    "offer withdrawn": (_end("offer", "withdrawn"), (DONOR, DONOR, DONOR, KEEPS, KEEPS, KEEPS, KEEPS)),
    "offer all gone": (_end("offer", "exhausted"), (DONOR, DONOR, KEEPS, KEEPS, KEEPS, KEEPS, KEEPS)),
    "offer taken down": (_take_down("offer"), (OFFICE, OFFICE, OFFICE, SHELF, OFFICE, KEEPS, KEEPS)),
    "offer expired": (_unanswered("offer"), (DONOR, DONOR, KEEPS, KEEPS, KEEPS, KEEPS, KEEPS)),
    "request withdrawn": (
        _end("request", "withdrawn"),
        (HOUSEHOLD, HOUSEHOLD, HOUSEHOLD, SHELF, HOUSEHOLD, None, None),
    ),
    "request met elsewhere": (
        _end("request", "met"),
        (HOUSEHOLD, HOUSEHOLD, HOUSEHOLD, SHELF, HOUSEHOLD, None, None),
    ),
    "request taken down": (_take_down("request"), (OFFICE, OFFICE, OFFICE, SHELF, OFFICE, None, None)),
    # While something is promised it is not asked whether it still stands.
    "request unanswered": (_unanswered("request"), (KEEPS, KEEPS, KEEPS, KEEPS, KEEPS, KEEPS, KEEPS)),
    "household suspended": (_suspended, (OFFICE, OFFICE, OFFICE, KEEPS, KEEPS, KEEPS, KEEPS)),
    "household revoked": (_revoked, (OFFICE, OFFICE, OFFICE, SHELF, OFFICE, KEEPS, KEEPS)),
    "donor erased": (_erased("donor"), (DONOR, DONOR, DONOR, KEEPS, KEEPS, KEEPS, KEEPS)),
    "household erased": (_erased("household"), (HOUSEHOLD, HOUSEHOLD, HOUSEHOLD, SHELF, HOUSEHOLD, KEEPS, KEEPS)),
}


# In the fast tier each event meets each third state, in turn.
PAIRS = [
    pytest.param(event, state, marks=[pytest.mark.slow] if (row + place) % 3 else [])
    for row, event in enumerate(TABLE)
    for place, state in enumerate(STATES)
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("event", "state"), PAIRS)
def test_whoever_leaves_each_match_goes_where_it_should(handover: Handover, match: int, event: str, state: str) -> None:
    end, becomes = TABLE[event]
    expected = becomes[STATES.index(state)]
    if expected is None:
        pytest.skip("a met request cannot end that way")
    handover.advance(match, state)
    end(handover, found(handover, match))
    now = found(handover, match)
    if expected == KEEPS:
        assert (now.state, now.unwanted_at) == (state, None)
    elif expected == SHELF:
        assert now.state == "in_transit"
        assert now.unwanted_at is not None
        with handover.session() as db:
            held = lock_match(db, match)
            holding.lay(db, held, 2, Actor(By.KEEPER, f"staff:{handover.keeper}"), handover.stage.clock())
        assert found(handover, match).state == "uncollected"
    else:
        assert (now.state, now.ended_by) == expected
    assert not handover.wrong()


def test_what_is_promised_is_freed_and_what_lay_at_the_point_goes_to_the_shelf(handover: Handover, match: int) -> None:
    handover.advance(match, "at_point")
    TABLE["request withdrawn"][0](handover, found(handover, match))
    with handover.session() as db:
        held = lock_match(db, match)
        assert (held.offer.reserved, held.offer.available, held.request.promised) == (2, 7, 0)
        assert held.match.code is None


def test_an_offer_of_which_a_part_is_promised_may_be_mended_otherwise(handover: Handover, match: int) -> None:
    with handover.session() as db:
        offer = lock_match(db, match).offer
        wanted = NewOffer("x", "clothes", offer.item, "piece", 3, "worn", None, "post", offer.region_code, offer.sort)
        mend_offer(db, offer, wanted, handover.stage.clock(), LEXICON.goods)
        assert (offer.available, offer.reserved, offer.state) == (3, 2, "submitted")
    assert found(handover, match).state == "proposed"
    assert not handover.wrong()


def test_what_was_mended_and_not_approved_takes_its_matches_with_it(handover: Handover, match: int) -> None:
    handover.advance(match, "donor_ok")
    with handover.session() as db:
        held = lock_match(db, match)
        leaving.follow(db, "offer", held.offer.id, "rejected", handover.stage.clock(), by_owner=False)
    assert (found(handover, match).state, found(handover, match).ended_by) == ("cancelled", "system")


def test_nothing_names_an_erased_donor_after(handover: Handover, match: int) -> None:
    handover.advance(match, "in_transit")
    TABLE["donor erased"][0](handover, found(handover, match))
    after = found(handover, match)
    assert (after.waybill, after.carrier) == (None, None)
    with handover.session() as db:
        assert db.get_one(Offer, after.offer_id).item == ""
