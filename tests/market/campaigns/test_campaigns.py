"""A campaign from its opening to its orders: who may confirm, join and pledge; how it fails; who leaves when."""

from datetime import timedelta

import pytest
from _pytest.mark import ParameterSet
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.core.state_machine import SYSTEM
from models.market.campaigns.campaign import BuyingFirm, CampaignPledge
from models.market.campaigns.dividing import PAYS_WITHIN, close_campaigns, divide_campaign
from models.market.campaigns.opening import tell_of_open
from models.market.campaigns.refusals import CampaignOver, CannotJoin, NotPartOf, SuppliesIt
from models.market.campaigns.views import own_part, parts_of, show
from models.market.listing import Listing
from models.market.lots.lot import Lot
from models.market.money.account import account_of
from models.market.money.paying import PaidOutcome, apply_paid, begin_payment
from models.market.money.sub_merchant import Owner, add_sub_merchant, withdraw_sub_merchant
from models.market.orders import answers
from models.market.orders.order import LASTS
from models.market.orders.steps import reserve_instead
from models.market.seller import MACHINE as SELLERS
from models.market.seller import seller_of
from models.market.statement import Statement
from models.market.suspension import suspend
from models.notifications.notification import Notification
from models.payments.platform_order import Payment
from models.people.user import User
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict
from models.verification.case import Verification
from models.verification.visit import Visit
from tests.harness.erasing import erase_person
from tests.harness.money.checking_books import codes, unguarded
from tests.scenes.campaigns import JIN, PRICE, County
from tests.scenes.campaigns import county as county
from tests.scenes.families import name_member, number_of


def _slow(case: str) -> ParameterSet:
    return pytest.param(case, marks=pytest.mark.slow)  # a world of its own, like the first


def test_what_is_pledged_is_divided_by_land_and_need_and_becomes_orders_at_the_campaigns_price(county: County) -> None:
    small, large = county.grower("hou", 1_000, plot=100), county.grower("peng", 1_000, plot=300)
    county.buyer("li")
    county.buyer("firm")
    number = county.open(least=400)
    county.join("hou", number)
    county.join("peng", number)
    county.pledge("li", number, 100)
    county.pledge("firm", number, 300, firm="长沙鲜果商贸")
    # Nothing is reserved before.
    assert county.listing(small).available == 1_000 * JIN
    county.wait()
    # By what is left of 5,340 and 16,020 斤.
    assert county.got(number) == {
        "hou": ("served", 100),
        "peng": ("served", 300),
        "li": ("served", 100),
        "firm": ("served", 300),
    }
    assert [(each.quantity // JIN, each.price_fen, each.state) for each in county.orders(number)] == [
        (100, PRICE, "accepted"),
        (300, PRICE, "accepted"),
    ]
    assert (county.listing(small).reserved, county.listing(large).reserved) == (100 * JIN, 300 * JIN)
    with county.session() as db:
        assert list(parts_of(db, number).items) == [300 * JIN, 100 * JIN]
        assert [row.address for row in db.scalars(select(CampaignPledge))] == [None, None]
        assert "长沙鲜果商贸" in (county.orders(number)[1].address or "")
    assert county.state(number) == "divided"
    for order in county.orders(number):
        with county.session() as db:
            answers.cancel(db, order.buyer_id, order.id, county.stage.clock())
    county.sweep()
    assert county.state(number) == "done"
    assert codes(county.stage) == []


def test_a_division_is_there_as_a_whole_or_not_at_all(county: County) -> None:
    listing = county.grower("hou")
    for buyer in ("wu", "wang"):
        county.buyer(buyer)
    number = county.open()
    county.join("hou", number)
    for buyer in ("wu", "wang"):
        county.pledge(buyer, number, 100)
    county.stage.clock.move(timedelta(days=11))
    with county.session() as db:
        close_campaigns(db, county.stage.clock())
    with Database(county.database) as db:
        assert divide_campaign(db, number, county.stage.clock())  # and the process ends before the transaction does
    assert (county.state(number), county.orders(number), county.listing(listing).reserved) == ("reached", [], 0)
    assert county.got(number)["wu"] == ("standing", None)
    assert codes(county.stage) == []
    county.sweep()
    assert [each.quantity // JIN for each in county.orders(number)] == [100, 100]
    for buyer in ("wu", "wang"):
        county.stage.say(f"o-{buyer}", "消息")
        assert "notifications/market/order_accepted:unread" in county.stage.said
        assert "notifications/market/campaign_ended:unread" in county.stage.said
    assert codes(county.stage) == []


@pytest.mark.slow  # a world of its own
def test_each_part_is_ordered_as_its_seller_is_paid(county: County) -> None:
    for grower in ("hou", "peng"):
        county.grower(grower)
    for buyer in ("wu", "wang", "zhao"):
        county.buyer(buyer)
    number = county.open()
    with county.session() as db:
        add_sub_merchant(db, Owner("user", county.people["hou"]), "1900000110", county.stage.clock())
    for grower in ("hou", "peng"):
        county.join(grower, number)
    for buyer in ("wu", "wang", "zhao"):
        county.pledge(buyer, number, 100)
    county.wait()
    orders = county.orders(number)
    assert {(each.seller_id == county.people["hou"], each.state) for each in orders} == {
        (True, "awaiting_payment"),
        (False, "accepted"),
    }
    with county.session() as db:
        for each in orders:
            promised = each.total_fen if each.state == "awaiting_payment" else 0
            assert account_of(db, each.id).promised_fen == promised
    assert sum(each.quantity for each in orders) == 300 * JIN
    assert codes(county.stage) == []


def test_what_a_visit_found_weighs_and_who_opened_it_does_not(county: County) -> None:
    county.grower("hou")
    county.grower("peng")
    county.buyer("li")
    with county.session() as db:
        # The opener lives with one of them.
        opener, hou = db.get_one(Staff, county.chen), db.get_one(User, county.people["hou"])
        opener.household_id = hou.household_id
        case = db.scalars(select(Verification).where(Verification.user_id == county.people["peng"])).one()
        seen = {"place": "{}", "assessment": "{}", "findings": "有", "score": 80, "supports": True}
        db.add(Visit(draft_id="visit", verification_id=case.id, staff_id=county.li, at=county.stage.clock(), **seen))
    number = county.open()
    county.join("hou", number)
    county.join("peng", number)
    county.pledge("li", number, 500)
    county.wait()
    assert county.got(number)["hou"] == ("served", 200)
    assert county.got(number)["peng"] == ("served", 300)


def test_below_the_least_sum_it_fails_and_nobody_owes_anything(county: County) -> None:
    listing = county.grower("hou")
    county.buyer("li")
    number = county.open(least=101)
    county.join("hou", number)
    county.pledge("li", number, 100)
    county.wait(days=10)
    assert county.state(number) == "open"
    county.wait(days=1)
    assert (county.state(number), county.read(number).why) == ("failed", "least")
    assert county.got(number) == {"hou": ("unserved", 0), "li": ("unserved", 0)}
    assert county.listing(listing).available == 1_000 * JIN
    assert county.orders(number) == []


def test_one_that_nobody_confirms_ends_on_its_last_day_and_is_never_public(county: County) -> None:
    county.grower("hou")
    number = county.submit()
    county.wait()
    assert (county.state(number), county.read(number).why) == ("failed", "unconfirmed")
    with county.session() as db:
        assert find_task(db, "campaign", number) is None
    assert "没有认购" in county.stage.say("o-hou", f"认购 {number}")


@pytest.mark.parametrize("tie", ["opener", "kin", *(_slow(tie) for tie in ("kin_of_opener", "household"))])
def test_who_opened_it_and_their_kin_do_not_confirm_it(county: County, tie: str) -> None:
    county.grower("hou")
    county.stage.register("o-aunt", "resident")
    with county.session() as db:
        chen, li = db.get_one(Staff, county.chen), db.get_one(Staff, county.li)
        home = db.get_one(User, county.people["hou"]).household_id
        if tie == "kin":
            record_conflict(db, li, "kin", chen.id_number or "", county.stage.clock())
        if tie == "kin_of_opener":
            li.household_id = home
            record_conflict(db, chen, "kin", number_of(county.stage, "o-hou"), county.stage.clock())
        if tie == "household":
            chen.household_id = li.household_id = home
    number = county.submit()
    with pytest.raises(HasConflict):
        county.confirm(number, county.chen if tie == "opener" else county.li)
    assert county.state(number) == "submitted"


def test_only_who_sells_that_crop_there_now_joins_and_leaves_until_it_is_divided(county: County) -> None:
    county.grower("hou")
    county.grower("peng")
    county.buyer("li")
    number = county.open()
    with pytest.raises(CannotJoin):
        county.join("li", number)
    county.join("hou", number)
    county.join("peng", number, most=50)
    county.pledge("li", number, 100)
    county.leave("hou", number)
    with pytest.raises(NotPartOf):
        county.leave("hou", number)
    county.wait()
    assert county.got(number) == {"hou": ("left", None), "peng": ("served", 50), "li": ("served", 50)}
    with pytest.raises(CampaignOver):
        county.leave("peng", number)


def test_who_lists_what_an_open_campaign_calls_for_hears_of_it_once(county: County) -> None:
    listing = county.grower("hou")
    number = county.open()
    county.join("hou", number)
    county.grower("peng")
    county.grower("rice", crop="grain")

    def told(name: str) -> int:
        with county.session() as db:
            talk = county.stage.person(f"o-{name}")
            theirs = (Notification.conversation_id == talk) & (Notification.template == "campaign_opened")
            return db.scalar(select(func.count()).select_from(Notification).where(theirs)) or 0

    assert {name: told(name) for name in ("hou", "peng", "rice")} == {"hou": 1, "peng": 1, "rice": 0}
    county.stage.say("o-hou", "消息")
    with county.session() as db:  # who takes part, and who heard of it, is not told again
        for home in db.scalars(select(Listing)).all():
            tell_of_open(db, home, county.stage.clock())
        tell_of_open(db, db.get_one(Listing, listing), county.stage.clock())
    assert {name: told(name) for name in ("hou", "peng", "rice")} == {"hou": 1, "peng": 1, "rice": 0}
    assert "参加供货" in county.stage.say("o-peng", f"认购 {number}")
    county.stage.clock.move(county.read(number).closes_at - county.stage.clock())
    county.grower("late")
    assert told("late") == 0


def test_a_pledge_is_changed_and_taken_back_until_the_last_day(county: County) -> None:
    county.grower("hou")
    county.buyer("li")
    number = county.open()
    county.join("hou", number)
    county.pledge("li", number, 100)
    county.pledge("li", number, 40)
    with county.session() as db:
        assert show(db, number, county.stage.clock()).pledged == 40 * JIN
    county.take_back("li", number)
    with county.session() as db:
        assert show(db, number, county.stage.clock()).pledged == 0
        assert db.scalars(select(CampaignPledge)).one().phone is None
    county.pledge("li", number, 100)
    county.wait()
    with pytest.raises(CampaignOver):
        county.take_back("li", number)
    assert county.got(number)["li"] == ("served", 100)


def test_the_clock_ends_the_last_day_and_not_the_sweep(county: County) -> None:
    county.grower("hou")
    county.grower("peng")
    county.buyer("li")
    number = county.open()
    county.join("hou", number)
    county.pledge("li", number, 100)
    clock, closes_at = county.stage.clock, county.read(number).closes_at
    clock.move(closes_at - clock() - timedelta(seconds=1))
    county.pledge("li", number, 101)
    clock.move(timedelta(seconds=1))
    for late in (
        lambda: county.pledge("li", number, 1_000),
        lambda: county.take_back("li", number),
        lambda: county.join("peng", number),
    ):
        with pytest.raises(CampaignOver):
            late()
    assert "最后一天过了" in county.stage.say("o-li", f"认购 {number}")
    assert "收回" not in county.stage.say("o-li", f"认购 {number}")
    assert "最后一天过了" in county.stage.say("o-li", f"认购 {number} 20斤")
    county.leave("hou", number)  # whoever supplies it leaves until it is divided
    assert county.state(number) == "open"
    county.sweep()
    assert (county.state(number), county.got(number)["li"]) == ("failed", ("unserved", 0))


def test_a_household_stands_on_one_side_once_also_where_somebody_is_only_named_in_it(county: County) -> None:
    county.grower("hou")
    county.grower("peng")
    number = county.open()
    county.join("hou", number)
    name_member(county.stage, "o-hou", number_of(county.stage, "o-peng"))
    with pytest.raises(SuppliesIt):
        county.pledge("peng", number, 10)
    county.leave("hou", number)
    county.pledge("hou", number, 10)
    with pytest.raises(SuppliesIt):
        county.join("hou", number)


@pytest.mark.slow  # a world of its own
def test_who_comes_to_belong_to_a_growers_household_gets_nothing_of_it(county: County) -> None:
    county.grower("hou")
    county.grower("peng", 30)
    county.stage.register("o-li", "resident")
    county.people["li"] = county.stage.register("o-aunt", "resident")
    number = county.open()
    for name in ("hou", "peng"):
        county.join(name, number)
    county.pledge("li", number, 100)
    name_member(county.stage, "o-hou", number_of(county.stage, "o-aunt"))
    county.wait()
    assert all(order.seller_id == county.people["peng"] for order in county.orders(number))
    assert county.got(number)["li"][1] == county.got(number)["peng"][1]
    assert codes(county.stage) == []


@pytest.mark.parametrize(
    "why", ["suspended", *(_slow(why) for why in ("sold", "taken_off", "expired", "land_not_seen", "picking"))]
)
def test_who_has_nothing_to_sell_on_the_last_day_gives_nothing(county: County, why: str) -> None:
    listing = county.grower("hou")
    county.buyer("li")
    number = county.open()
    county.join("hou", number)
    county.pledge("li", number, 100)
    with county.session() as db:
        found = db.get_one(Listing, listing)
        if why == "sold":
            db.execute(update(Listing).values(available=0, delivered=Listing.initial))
        elif why == "taken_off":
            found.state = "withdrawn"
        elif why == "suspended":
            suspend(db, db.get_one(Staff, county.li), listing, ["reseller"], county.stage.clock())
        elif why == "expired":
            seller = seller_of(db, found.household_id)
            assert seller is not None
            SELLERS.move(db, seller, "expired", SYSTEM, county.stage.clock())
        elif why == "picking":
            day = county.stage.clock().date()
            later = county.stage.clock() + timedelta(days=60)
            window = {"first_day": day, "last_day": day, "begun_at": county.stage.clock(), "due_at": later}
            db.add(Lot(listing_id=listing, state="locked", **window))
        else:
            db.execute(update(Statement).values(seen_plot=None))
    county.wait()
    assert (county.state(number), county.read(number).why) == ("failed", "growers")
    assert county.got(number) == {"hou": ("unserved", 0), "li": ("unserved", 0)}


@pytest.mark.parametrize("by", ["wechat", _slow("hand")])
def test_what_is_paid_of_a_campaign_is_accepted_for_joining_was_the_sellers_yes(county: County, by: str) -> None:
    county.grower("hou")
    county.buyer("wu")
    number = county.open()
    with county.session() as db:
        add_sub_merchant(db, Owner("user", county.people["hou"]), "1900000110", county.stage.clock())
    county.join("hou", number)
    county.pledge("wu", number, 100)
    county.wait()
    (order,) = county.orders(number)
    now = county.stage.clock()
    with county.session() as db:
        if by == "hand":
            assert reserve_instead(db, withdraw_sub_merchant(db, "1900000110", now), now) == 1
        else:
            asked = begin_payment(db, order.id, now)
            paid = Payment("1900000110", asked.out_trade_no, "42000000001", asked.amount_fen, now)
            assert apply_paid(db, paid, now).outcome is PaidOutcome.PAID
    (order,) = county.orders(number)
    assert (order.state, order.due_at) == ("accepted", now + LASTS["accepted"])
    with county.session() as db:
        moves = select(AuditEvent).where(AuditEvent.subject == "order", AuditEvent.from_state.is_not(None))
        moved = [(each.to_state, each.actor) for each in db.scalars(moves.order_by(AuditEvent.id))]
        first = "placed" if by == "hand" else "paid"
        assert moved == [(first, "system"), ("accepted", f"user:{county.people['hou']}")]
    told = county.stage.say("o-hou", "消息")
    assert "不用再接单" in told
    assert ("改成当面付了" if by == "hand" else "买的人付了") in told
    assert "卖家接单了" in county.stage.say("o-wu", "消息")
    with county.session() as db:
        answers.hand_over(db, county.people["hou"], order.id, now)
    assert codes(county.stage) == []


@pytest.mark.slow  # a world of its own
def test_a_seller_paid_by_wechat_pay_is_ordered_of_likewise_and_its_buyer_has_two_days(county: County) -> None:
    county.grower("hou")
    county.buyer("li")
    number = county.open()
    with county.session() as db:
        add_sub_merchant(db, Owner("user", county.people["hou"]), "1900000110", county.stage.clock())
    county.join("hou", number)
    county.pledge("li", number, 100)
    county.wait()
    (order,) = county.orders(number)
    assert (order.state, order.due_at) == ("awaiting_payment", county.stage.clock() + PAYS_WITHIN)
    county.stage.clock.move(PAYS_WITHIN)
    county.sweep()
    county.sweep()
    assert (county.orders(number)[0].state, county.state(number)) == ("cancelled", "done")
    assert codes(county.stage) == []


@pytest.mark.slow  # six worlds; each state and side
@pytest.mark.parametrize("when", ["open", "reached", "divided"])
@pytest.mark.parametrize("who", ["hou", "li"])
def test_an_erased_person_is_out_of_it_and_what_is_left_goes_on(county: County, who: str, when: str) -> None:
    county.grower("hou")
    county.grower("peng")
    county.buyer("li")
    county.buyer("wu")
    number = county.open()
    for grower in ("hou", "peng"):
        county.join(grower, number)
    for buyer in ("li", "wu"):
        county.pledge(buyer, number, 100, firm=f"长沙鲜果商贸{buyer}")
    if when != "open":
        county.stage.clock.move(timedelta(days=11))
        with county.session() as db:
            close_campaigns(db, county.stage.clock())
    if when == "divided":
        county.wait(days=0)
    with county.session() as db:
        erase_person(db, county.stage.person(f"o-{who}"), county.stage.clock())
        assert db.get(BuyingFirm, county.people[who]) is None
    if when != "divided":
        assert county.got(number)[who] == ("left", None)
        county.wait()
    own = [order for order in county.orders(number) if county.people[who] in (order.buyer_id, order.seller_id)]
    assert not own if when != "divided" else all(order.buyer_id != county.people[who] or order.why for order in own)
    assert sum(given or 0 for name, (_, given) in county.got(number).items() if name in ("hou", "peng")) == (
        100 if who == "li" and when != "divided" else 200
    )
    assert codes(county.stage) == []


def test_everybody_reads_their_own_part_and_nobody_anothers(county: County) -> None:
    county.grower("hou")
    county.grower("peng")
    county.buyer("li")
    number = county.open()
    county.join("hou", number, most=70)
    county.pledge("li", number, 100)
    with county.session() as db:
        sides = {name: own_part(db, number, user, county.stage.clock()).side for name, user in county.people.items()}
    assert sides == {"hou": "grower", "peng": "may_join", "li": "buyer"}


@pytest.mark.slow  # a world of its own
def test_the_books_name_a_division_that_does_not_add_up(county: County) -> None:
    county.grower("hou")
    county.buyer("li")
    number = county.open()
    county.join("hou", number)
    county.pledge("li", number, 100)
    county.wait()
    with unguarded(county.stage) as connection:
        connection.execute(update(CampaignPledge).values(given_grams=99 * JIN))
    assert codes(county.stage) == [f"campaign_sums campaign_pledge {number}"]


@pytest.mark.slow  # a world of its own
def test_an_office_elsewhere_sees_nothing_of_it(county: County) -> None:
    county.grower("hou")
    number = county.submit()
    county.stage.appoint("o-far", "county", "430524000000")
    assert "没有认购" in county.stage.say("o-far", f"看 认购{number}")
