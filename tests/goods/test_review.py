"""Who looks at goods before others see them, who reads the reason of a request, and what becomes of what waits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.core.state_machine import SYSTEM
from models.goods import household, review
from models.goods.exchange import REQUEST_MACHINE, GoodsRequest, Offer
from models.goods.file import open_file
from models.goods.review import NeedsReason, approve, return_or_reject, take_down
from models.goods.rules import STRICT
from models.goods.submission import NewOffer, NewRequest, make_offer, make_request
from models.market.listing import Listing, is_known_shop
from models.market.submission import NewListing, submit_listing
from models.people.user import User
from models.public.catalogue import REQUESTS
from models.staff.member import Staff
from models.staff.task import Task, find_task
from models.staff.turn import HasConflict
from models.verification.case import NotVerified
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import GUANGZHOU, LONGHUI, REASON, endorsed

KNOWN = replace(STRICT, known_after=2, reviewed_of_hundred=0)


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


def ask(db: Database, stage: Stage, owner: int, draft: str = "r") -> GoodsRequest:
    user = db.get_one(User, owner)
    wanted = NewRequest(draft, "clothes", "厚被子", "piece", 2, REASON, user.region_code or "", "bedding")
    return make_request(db, wanted, user, stage.clock())


def quilt(draft: str = "o", region: str = GUANGZHOU, sort: str = "bedding") -> NewOffer:
    return NewOffer(draft, "clothes", "新棉被", "piece", 9, "new", None, "post", region, sort)


def holder(db: Database, name: str, number: int) -> Task:
    task = find_task(db, name, number)
    assert task is not None
    return task


def test_a_reason_is_on_no_surface_but_the_file_of_who_checks(stage: Stage) -> None:
    owner, donor = stage.register("o-wang", "resident"), stage.register("o-li", "donor")
    for openid, role, region in (
        ("o-village", "village", DAOXIAN_MEIHUA),
        ("o-township", "township", DAOXIAN_MEIHUA),
        ("o-county", "county", "431124000000"),
        ("o-neighbour", "village", LONGHUI),
        ("o-charity", "fund_holder", "430000000000"),
    ):
        stage.appoint(openid, role, region)
    with Database(stage.database) as db, db.begin():
        number = ask(db, stage, owner).id
        make_offer(db, quilt(), db.get_one(User, donor), stage.clock())
    others = ("o-li", "o-stranger", "o-township", "o-county", "o-neighbour", "o-charity")
    words = ("看求物", f"看 求物{number}", "待办", "看求物 被子", "1", "我的", "消息", "统计")
    assert not [(who, said) for who in others for said in words if REASON[:6] in stage.say(who, said)]
    assert REASON in stage.say("o-village", f"看 求物{number}")
    stage.say("o-village", f"通过 求物{number}")
    assert not [(who, said) for who in others for said in words if REASON[:6] in stage.say(who, said)]
    with Database(stage.database) as db:
        assert REASON not in repr([REQUESTS.page(db, (), stage.clock()), REQUESTS.find(db, number, None)])
        assert [item.number for item in REQUESTS.page(db, (), stage.clock()).items] == [number]


def test_who_is_not_verified_waits_and_no_officer_can_pass_it(stage: Stage) -> None:
    owner = stage.register("o-wang", "resident", verified=False)
    officer = stage.appoint("o-village", "village")
    with Database(stage.database) as db, db.begin():
        request = ask(db, stage, owner)
        assert find_task(db, "request", request.id) is None
        with pytest.raises(NotVerified):
            approve(db, db.get_one(Staff, officer), "request", request.id, STRICT, stage.clock())
    stage.verify_all()
    with Database(stage.database) as db, db.begin():
        assert holder(db, "request", 1).assignee == officer
        household.hide(db, db.get_one(User, owner).household_id or 0, stage.clock())
        assert find_task(db, "request", 1) is None
        household.reject_waiting(db, db.get_one(User, owner).household_id or 0, "revoked", stage.clock())
        assert db.get_one(GoodsRequest, 1).state == "rejected"


def test_what_is_on_show_of_a_suspended_household_is_hidden(stage: Stage) -> None:
    owner, officer = stage.register("o-wang", "resident"), stage.appoint("o-village", "village")
    with Database(stage.database) as db, db.begin():
        ask(db, stage, owner)
    with Database(stage.database) as db, db.begin():
        approve(db, db.get_one(Staff, officer), "request", 1, STRICT, stage.clock())
        household.hide(db, db.get_one(User, owner).household_id or 0, stage.clock())
        request = db.get_one(GoodsRequest, 1)
        assert (request.state, request.looked_at, request.round) == ("submitted", None, 2)
        assert REQUESTS.find(db, 1, None) is None
        household.open_reviews(db, db.get_one(User, owner).household_id or 0, stage.clock())
        assert holder(db, "request", 1).assignee == officer


def test_nobody_looks_at_their_own_or_their_households(stage: Stage) -> None:
    other = stage.appoint("o-other", "village")
    resident, donor = stage.register("o-wang", "resident"), stage.register("o-li", "donor")
    own_seat, donor_seat = stage.appoint("o-wang", "village"), stage.appoint("o-li", "village", work_no="N-li")
    with Database(stage.database) as db, db.begin():
        request = ask(db, stage, resident)
        wanted = quilt(region=DAOXIAN_MEIHUA, sort="shoes")
        offer = make_offer(db, wanted, db.get_one(User, donor), stage.clock())
        for name, number, seat in (("request", request.id, own_seat), ("offer", offer.id, donor_seat)):
            assert holder(db, name, number).assignee != seat
            with pytest.raises(HasConflict):
                return_or_reject(db, db.get_one(Staff, seat), name, number, "reject", ["not_true"], stage.clock())
        approve(db, db.get_one(Staff, other), "request", request.id, STRICT, stage.clock())
        with pytest.raises(HasConflict):
            take_down(db, db.get_one(Staff, own_seat), "request", request.id, ["not_true"], stage.clock())


def test_an_offer_is_looked_at_where_it_goes_to(stage: Stage) -> None:
    """To the nearest household that asks for the like; to who is there; to the nearest county with an officer."""
    owner, donor = stage.register("o-wang", "resident"), stage.register("o-li", "donor")
    village = stage.appoint("o-village", "village")
    longhui = stage.appoint("o-longhui", "county", "430524000000")
    with Database(stage.database) as db, db.begin():
        giver, now = db.get_one(User, donor), stage.clock()
        ask(db, stage, owner)
        approve(db, db.get_one(Staff, village), "request", 1, STRICT, now)
        near = make_offer(db, quilt(), giver, now)
        there = make_offer(db, quilt("o2", LONGHUI, "shoes"), giver, now)
        far = make_offer(db, quilt("o3", sort="shoes"), giver, now)
        found = [holder(db, "offer", offer.id).assignee for offer in (near, there, far)]
    assert found == [village, longhui, longhui]


def test_of_a_known_giver_the_lot_decides_what_is_looked_at(stage: Stage) -> None:
    donor, officer = stage.register("o-li", "donor"), stage.appoint("o-county", "county", "431124000000")
    with Database(stage.database) as db, db.begin():
        giver, now = db.get_one(User, donor), stage.clock()

        def made(serial: int, looked_at: int = 0) -> Offer:
            return make_offer(db, quilt(f"o{serial}"), giver, now, replace(KNOWN, reviewed_of_hundred=looked_at))

        for serial in range(2):
            number = made(serial).id
            assert db.get_one(Offer, number).state == "submitted"
            approve(db, db.get_one(Staff, officer), "offer", number, KNOWN, now)
        assert made(2).state == "available"
        assert made(3, looked_at=100).state == "submitted"
        take_down(db, db.get_one(Staff, officer), "offer", 1, ["not_true"], now)
        assert made(4).state == "submitted"


def test_what_was_public_before_there_was_a_look_goes_before_an_officer(stage: Stage) -> None:
    owner, officer = stage.register("o-wang", "resident"), stage.appoint("o-village", "village")
    with Database(stage.database) as db, db.begin():
        request = ask(db, stage, owner)
        approve(db, db.get_one(Staff, officer), "request", request.id, STRICT, stage.clock())
    with Database(stage.database) as db, db.begin():
        db.execute(update(GoodsRequest).values(looked_at=None))
        assert REQUESTS.find(db, 1, None) is None
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db:
        assert db.scalars(select(GoodsRequest.state)).all() == ["submitted"]
        assert holder(db, "request", 1).assignee == officer
    assert "以前发的也一样" in stage.say("o-wang", "我的")


def test_nobody_in_time_and_it_goes_one_level_up(stage: Stage) -> None:
    owner = stage.register("o-wang", "resident")
    stage.appoint("o-village", "village")
    township = stage.appoint("o-township", "township")
    with Database(stage.database) as db, db.begin():
        ask(db, stage, owner)
    stage.clock.move(timedelta(days=4))
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db, db.begin():
        assert (holder(db, "request", 1).assignee, holder(db, "request", 1).role) == (township, "township")
        assert open_file(db, db.get_one(Staff, township), "request", 1, STRICT, stage.clock()).reason == REASON


@pytest.mark.parametrize(
    ("link", "known"),
    [
        (None, True),
        ("https://taobao.com/shop", True),
        ("https://shop1.taobao.com/x?y=1", True),
        ("https://taobao.com.evil.example/shop", False),
        ("https://nottaobao.com/shop", False),
        ("https://evil.example/taobao.com", False),
    ],
)
def test_a_shop_is_known_by_its_host_alone(link: str | None, known: bool) -> None:
    rules = replace(STRICT, shop_hosts=("taobao.com",))
    assert is_known_shop(Listing(shop_url=link), rules) is known


def test_a_shop_that_is_on_no_list_is_the_countys_and_needs_a_reason(stage: Stage) -> None:
    seller, county = stage.register("o-long", "resident"), stage.appoint("o-county", "county", "431124000000")
    stage.appoint("o-village", "village")
    with Database(stage.database) as db, db.begin():
        endorsed(db, db.get_one(User, seller), stage.clock())
        wanted = NewListing("l", "handicraft", "竹篮", "piece", 6_000, 9, None, "https://shop.example/x")
        number = submit_listing(db, wanted, db.get_one(User, seller), stage.clock()).id
        assert holder(db, "listing", number).assignee == county
        officer = db.get_one(Staff, county)
        with pytest.raises(NeedsReason):
            approve(db, officer, "listing", number, STRICT, stage.clock())
        approve(db, officer, "listing", number, STRICT, stage.clock(), ["cooperative"])
        assert db.get_one(Listing, number).state == "on_sale"


def test_no_state_is_a_dead_end_but_those_that_end_it() -> None:
    ends = {"rejected", "withdrawn"}
    for kind in review.REVIEWED.values():
        into = {to for _, to in kind.machine.moves}
        assert kind.machine.states - into == {"draft"}
        assert kind.machine.states - kind.machine.sources == (ends & kind.machine.states)
    assert (("submitted", "open")) not in REQUEST_MACHINE.moves
    assert SYSTEM.by not in REQUEST_MACHINE.moves["submitted", "checked"]
