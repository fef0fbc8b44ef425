"""An organisation sells in its own name, by whoever speaks for it now; its money is its own."""

import json

import pytest
from sqlalchemy import select

from models.core.audit_trail import AuditEvent
from models.goods.exchange import NoSuchThing
from models.market.in_name import SELLER_CHANGED
from models.market.money.seller_accounts import ORDERS
from models.market.money.sub_merchant import BadSubMerchant, Owner, SubMerchant, add_sub_merchant, sub_merchant_of
from models.market.orders.placing import OwnListing
from models.market.orders.steps import NoSuchOrder
from models.market.orders.views import open_order
from models.market.seller import Seller
from models.market.submission import set_stock
from models.notifications.notification import Notification
from models.organisations.organisation import Organisation, OrganisationNotConfirmed, SellsNothing
from models.organisations.representative import TermOver
from models.people.conversation import Conversation
from models.people.user import User
from models.public.catalogue import MARKET
from models.staff.member import Staff
from models.staff.task import find_task
from tests.harness.stage import Stage
from tests.scenes.cooperative import Cooperative
from tests.scenes.cooperative import cooperative as cooperative
from tests.scenes.market import JIN

OWN_NUMBER, ITS_NUMBER = "1900007101", "1900007202"


def told(cooperative: Cooperative, kind: str, who: str = "next") -> list[dict[str, object]]:
    with cooperative.session() as db:
        conversation = select(Conversation.id).where(Conversation.user_id == cooperative.people[who])
        theirs = (Notification.template == kind) & (Notification.conversation_id == conversation.scalar_subquery())
        return [json.loads(found.facts) for found in db.scalars(select(Notification).where(theirs))]


def test_it_sells_by_its_own_name_with_a_seller_of_its_own(cooperative: Cooperative) -> None:
    own, its = cooperative.sell(100 * JIN), cooperative.sell_in_its_name()
    with cooperative.session() as db:
        listed = {item.number: item.seller for item in MARKET.own(db, cooperative.people["seller"], 9)}
        sellers = {seller.household_id: seller.region_code for seller in db.scalars(select(Seller))}
        home = db.get_one(User, cooperative.people["seller"]).household_id
        order = cooperative.order(its, JIN)
        line = open_order(db, cooperative.people["buyer"], order, cooperative.stage.clock())
    assert listed == {own: None, its: line.seller}
    assert line.seller is not None
    assert "合作社" in line.seller
    assert set(sellers) == {home, cooperative.household}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("kind", "sells"),
    [("cooperative", True), ("village_committee", True), ("school", True), ("charity", False), ("township", False)],
)
def test_a_government_and_a_charity_sell_nothing(database_url: str, kind: str, sells: bool) -> None:
    stage = Stage(database_url)
    cooperative = Cooperative(stage, kind=kind)
    if sells:
        assert cooperative.listing(cooperative.sell_in_its_name()).state == "on_sale"
    else:
        with pytest.raises(SellsNothing):
            cooperative.sell_in_its_name()
        with cooperative.session() as db, pytest.raises(BadSubMerchant, match="sells nothing"):
            add_sub_merchant(db, Owner("organisation", cooperative.number), ITS_NUMBER, stage.clock())
    stage.close()


def test_its_page_shows_its_credit_code_and_claims_no_exemption_of_persons(cooperative: Cooperative) -> None:
    listing = cooperative.sell_in_its_name()
    page = cooperative.stage.client.get(f"/l/{listing}").text
    with cooperative.session() as db:
        assert db.get_one(Organisation, cooperative.number).credit_code in page
    assert "不需要办理市场主体登记" not in page


def test_only_who_speaks_for_it_lists_in_its_name_and_only_while_it_stands(cooperative: Cooperative) -> None:
    with pytest.raises(TermOver):
        cooperative.sell_in_its_name(by="next")
    cooperative.freeze()
    with pytest.raises(OrganisationNotConfirmed):
        cooperative.sell_in_its_name()


def test_neither_who_speaks_for_it_nor_their_household_orders_of_it(cooperative: Cooperative) -> None:
    listing = cooperative.sell_in_its_name()
    with cooperative.session() as db:
        home = db.get_one(User, cooperative.people["seller"]).household_id
        db.get_one(User, cooperative.people["next"]).household_id = home
    for who in ("seller", "next"):
        with pytest.raises(OwnListing):
            cooperative.order(listing, JIN, by=who)
    cooperative.order(listing, JIN)


def test_its_money_goes_to_its_own_number_and_never_to_that_of_who_speaks_for_it(cooperative: Cooperative) -> None:
    person, now = cooperative.people["seller"], cooperative.stage.clock()
    with cooperative.session() as db:
        home = db.get_one(User, person).household_id or 0
        add_sub_merchant(db, Owner("user", person), OWN_NUMBER, now)
        assert sub_merchant_of(db, person, home) == OWN_NUMBER
        assert sub_merchant_of(db, person, cooperative.household) is None
        add_sub_merchant(db, Owner("organisation", cooperative.number), ITS_NUMBER, now)
    cooperative.pass_on()
    with cooperative.session() as db:
        # The bills of both are the county's to compare.
        of_county = ORDERS.of_staff(db.get_one(Staff, cooperative.officer), SubMerchant.number)
        assert set(db.scalars(select(SubMerchant.number).where(of_county))) == {OWN_NUMBER, ITS_NUMBER}
        assert sub_merchant_of(db, cooperative.people["next"], cooperative.household) == ITS_NUMBER
        assert sub_merchant_of(db, cooperative.people["next"], home) is None
        with pytest.raises(BadSubMerchant, match="already"):
            add_sub_merchant(db, Owner("user", cooperative.people["next"]), ITS_NUMBER, now)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("state", ["placed", "accepted", "shipped", "delivered", "completed", "after_sale"])
def test_a_successor_takes_over_what_is_listed_and_every_order_that_is_not_over(
    cooperative: Cooperative, state: str
) -> None:
    listing = cooperative.sell_in_its_name()
    order = cooperative.order(listing, JIN)
    cooperative.bring(order, state)
    cooperative.pass_on()
    over, now = state == "completed", cooperative.stage.clock()
    one, other = ("seller", "next") if over else ("next", "seller")
    assert cooperative.listing(listing).seller_id == cooperative.people["next"]
    with cooperative.session() as db:
        assert open_order(db, cooperative.people[one], order, now).side == "seller"
        with pytest.raises(NoSuchOrder):
            open_order(db, cooperative.people[other], order, now)
        passed_on = set(db.scalars(select(AuditEvent.subject).where(AuditEvent.action == SELLER_CHANGED)))
        with pytest.raises(NoSuchThing):
            set_stock(db, cooperative.people["seller"], listing, JIN, now)
    assert passed_on == ({"listing"} if over else {"listing", "order"})
    waits = state in ("placed", "accepted")
    facts = told(cooperative, "organisation_sales")
    assert [(one["orders"], one["waiting"]) for one in facts] == [(0 if over else 1, int(waits))]
    assert told(cooperative, "ordered", "seller") == []
    assert cooperative.wrong() == []


def test_what_a_successor_had_ordered_of_it_is_cancelled_or_stays_with_who_sent_it(cooperative: Cooperative) -> None:
    listing = cooperative.sell_in_its_name()
    unsent, sent = (cooperative.order(listing, JIN, by="next") for _ in range(2))
    cooperative.accept(sent)
    cooperative.send(sent)
    cooperative.pass_on()
    assert (cooperative.state(unsent), cooperative.read(unsent).why) == ("cancelled", "own_now")
    assert cooperative.read(sent).seller_id == cooperative.people["seller"]
    cooperative.got(sent, by="next")
    assert cooperative.wrong() == []


def test_without_anybody_who_speaks_for_it_nothing_is_shown_and_a_successor_has_it_looked_at_again(
    cooperative: Cooperative,
) -> None:
    listing = cooperative.sell_in_its_name()
    cooperative.stage.appoint("o-village", "village", "431124101208")
    cooperative.end_term()
    assert cooperative.listing(listing).looked_at is None
    with cooperative.session() as db:
        assert find_task(db, "listing", listing) is None
        with pytest.raises(TermOver):
            set_stock(db, cooperative.people["seller"], listing, JIN, cooperative.stage.clock())
    assert cooperative.wrong() == []
    cooperative.pass_on()
    with cooperative.session() as db:
        assert find_task(db, "listing", listing) is not None
    assert cooperative.wrong() == []


def test_what_the_county_froze_comes_back_once_officers_have_looked(cooperative: Cooperative) -> None:
    listing = cooperative.sell_in_its_name()
    cooperative.freeze()
    assert cooperative.listing(listing).state == "submitted"
    assert cooperative.wrong() == []
    cooperative.resume()
    with cooperative.session() as db:
        assert find_task(db, "listing", listing) is not None
    assert cooperative.wrong() == []
