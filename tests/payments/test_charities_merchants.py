"""Each charity collects under its own merchant number: orders, callbacks and refunds go to that account alone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.pay.callback import BadCallback, CallbackVerifier, CallbackVerifiers, PaymentCallback
from bot.pay.clients import NoKeys, PayClients
from bot.pay.signatures import PlatformKeys
from bot.payments.orders import OrderDesk, PaymentIntake
from bot.payments.platform_orders import NotNow
from bot.payments.refunds import ask_refunds
from config.pay import PlatformKey
from models.giving.pledge import NoCollector, Pledge
from models.ledger import Account
from models.ledger.accounts import LedgerAccount
from models.organisations.charity import BadCharity
from models.organisations.merchant import NobodysMerchant, add_merchant, charity_of_merchant, merchant_of
from models.payments.order import PayOrder
from models.payments.platform_order import Payment
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.staff.task import find_task
from tests.harness.money.merchant import MCHID, OPTIONS
from tests.harness.stage import Stage
from tests.scenes.money.bills import AT, Counter, counter
from tests.scenes.money.charities import LONGHUI, MERCHANTS, NATIONAL
from tests.scenes.money.gifts import promise, state_of, take
from tests.scenes.money.refunds import wrong_books

OWN = MERCHANTS[LONGHUI][0]
MATANGSHAN = "430524200000"
# One of the simulator's people.
DONOR = "oAunt"


@pytest.fixture
def both(stage: Stage) -> Iterator[tuple[Counter, Counter]]:
    with counter(stage) as first, counter(stage, OWN) as other:
        yield first, other


def desk(stage: Stage, *counters: Counter) -> OrderDesk:
    return OrderDesk(
        PaymentIntake(stage.database, counters[0].handed), PayClients(one.pay for one in counters), stage.clock
    )


def verifier(at: Counter) -> CallbackVerifier:
    keys = PlatformKeys(PlatformKey(serial, key) for serial, key in at.merchant.own.platform.items())
    return CallbackVerifier(keys, at.merchant.own.apiv3_key, at.pay.merchant, OPTIONS.app_id)


def merchants_of_orders(stage: Stage) -> list[str]:
    with Database(stage.database) as db:
        return list(db.scalars(select(PayOrder.merchant).order_by(PayOrder.id)))


def channel(stage: Stage, charity: int) -> int:
    account = Account("channel", charity)
    with Database(stage.database) as db:
        own = (LedgerAccount.kind == account.kind) & (LedgerAccount.subject_id == account.subject_id)
        return db.scalar(select(LedgerAccount.balance_fen).where(own)) or 0


def test_an_order_is_placed_under_its_charitys_number(stage: Stage, both: tuple[Counter, Counter]) -> None:
    place = desk(stage, *both).place
    for appeal in (stage.open_appeal(), stage.open_appeal(region=MATANGSHAN)):
        place(promise(stage, appeal, 5_000, DONOR), DONOR)
    assert merchants_of_orders(stage) == [MCHID, OWN]


def test_a_charity_without_a_number_is_not_paid(stage: Stage, both: tuple[Counter, Counter]) -> None:
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM merchants WHERE charity_id = 1"))
    pledge = promise(stage, stage.open_appeal(region=MATANGSHAN), 5_000, "o-li")
    with pytest.raises(NoCollector):
        desk(stage, *both).place(pledge, "o-li")
    assert merchants_of_orders(stage) == []


def test_an_appeal_of_a_charity_without_a_number_offers_no_gift(stage: Stage) -> None:
    appeal = stage.open_appeal(region=MATANGSHAN)
    stage.collect()
    assert "捐一点" in stage.say("o-anybody", f"看 {appeal}")
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM merchants WHERE charity_id = 1"))
    page = stage.say("o-anybody", f"看 {appeal}")
    assert "这家慈善组织现在不收款，先不能捐" in page
    assert "捐一点" not in page


def test_without_keys_for_the_number_it_is_not_now(stage: Stage, both: tuple[Counter, Counter]) -> None:
    pledge = promise(stage, stage.open_appeal(region=MATANGSHAN), 5_000, "o-li")
    with pytest.raises(NotNow):
        desk(stage, both[0]).place(pledge, "o-li")
    with pytest.raises(NoKeys):
        PayClients([both[0].pay]).of(OWN)


def test_a_callback_is_opened_by_the_account_whose_keys_prove_it(stage: Stage, both: tuple[Counter, Counter]) -> None:
    first, other = both
    door = CallbackVerifiers([verifier(first), verifier(other)])
    other.sell(stage.open_appeal(region=MATANGSHAN), 6_000)
    pay = other.merchant.simulator.pay
    body = pay.notices.all()[-1].body.encode()
    headers = pay.signer.headers(body, other.merchant.own.public_id)
    callback = door.open_callback(headers, body, AT)
    assert isinstance(callback, PaymentCallback)
    assert callback.trade.merchant == OWN
    with pytest.raises(BadCallback):
        door.open_callback(headers, body + b" ", AT)


def test_what_each_took_in_and_gave_back_is_in_its_own_accounts(stage: Stage, both: tuple[Counter, Counter]) -> None:
    first, other = both
    mine = first.give(stage.open_appeal(), 5_000)
    theirs = other.give(stage.open_appeal(region=MATANGSHAN), 6_000)
    assert (channel(stage, NATIONAL), channel(stage, LONGHUI)) == (5_000, 6_000)
    with Database(stage.database) as db:
        assert [db.get_one(PayOrder, one.id).merchant for one in (mine, theirs)] == [MCHID, OWN]
    refund = other.give_back(theirs)
    ask_refunds(stage.database, PayClients([first.pay, other.pay]), [refund.id], stage.clock)
    other.merchant.simulator.timeline.move(300)
    stage.clock.move(timedelta(days=1))
    ask_refunds(stage.database, PayClients([first.pay, other.pay]), [refund.id], stage.clock)
    with Database(stage.database) as db:
        assert db.get_one(Refund, refund.id).state == "paid"
    assert (channel(stage, NATIONAL), channel(stage, LONGHUI)) == (5_000, 0)
    assert state_of(stage, Pledge, theirs.pledge_id) == "refunded"
    assert wrong_books(stage) == []


def test_a_payment_of_no_order_waits_for_the_accounts_own_charity(stage: Stage) -> None:
    own = stage.appoint("o-own", "fund_holder", "430524000000")
    stage.appoint("o-first", "fund_holder", "431124000000")
    stage.open_appeal()
    take(stage, Payment(OWN, "NEVER001", "4200000001", 900, stage.clock()))
    with Database(stage.database) as db:
        item = db.scalars(select(SuspenseItem)).one()
        task = find_task(db, "suspense_item", item.id)
        assert task
        assert (task.charity_id, task.assignee) == (LONGHUI, own)
    assert (channel(stage, NATIONAL), channel(stage, LONGHUI)) == (0, 900)
    assert wrong_books(stage) == []


def test_a_number_is_one_charitys_for_good(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        with pytest.raises(BadCharity, match="charity 1's already"):
            add_merchant(db, NATIONAL, OWN, stage.clock())
        add_merchant(db, LONGHUI, "1900000778", stage.clock())
        assert merchant_of(db, LONGHUI) == "1900000778"
        assert charity_of_merchant(db, OWN) == LONGHUI
        with pytest.raises(NobodysMerchant):
            charity_of_merchant(db, "1900000000")
