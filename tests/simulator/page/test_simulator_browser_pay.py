"""The pay sheet on a phone of the page, in a real browser; the orders come from the merchant's side of the API."""

import json
import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from bot.simulator.app import create_simulator
from bot.simulator.pay.options import PayOptions
from bot.simulator.simulator import Simulator
from tests.harness.money.merchant import PIN, Merchant, key_folder, shopping
from tests.harness.simulator.browser import DESK, PHONE, PageBot, chromium, needs_chromium, opened, page_of, pick, shoot
from tests.harness.simulator.echo_bot import EchoBot

pytestmark = needs_chromium
SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def merchant_of(simulator: Simulator) -> Merchant:
    return Merchant(simulator, create_simulator(simulator.options, simulator).test_client())


def keys() -> PayOptions:
    return PayOptions(keys_dir=key_folder())


def show_sheet(page: Page, prepay_id: str, visible: bool = True) -> Locator:
    home = re.sub(r"/#.*", "", page.url)
    form = {"openid": "oAunt", "prepay_id": prepay_id}
    answer = requests.post(f"{home}/desk/pay/sheet", data=form, headers={"Origin": home}, timeout=5)
    assert answer.status_code == 200
    sheet = page.get_by_role("dialog", name="WeChat Pay")
    if visible:
        expect(sheet).to_be_visible()
    return sheet


def enter(sheet: Locator, pin: str) -> None:
    for digit in pin:
        sheet.get_by_role("button", name=digit, exact=True).click()


@SIZES
def test_an_order_is_paid_and_the_merchant_hears_of_it(browser, size):
    with shopping() as shop, opened(browser, EchoBot(), size, pay=keys()) as (page, simulator):
        simulator.timeline.start()
        number, prepay_id = merchant_of(simulator).ordered(notify_url=shop.url)
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        expect(sheet.locator("#amount")).to_have_text("¥100.00")
        expect(sheet).to_contain_text("苗寨修路")
        expect(sheet).to_contain_text("帮扶通")
        shoot(page, f"pay-{size['width']}")
        enter(sheet, PIN)
        expect(sheet).to_contain_text("支付成功")
        expect(sheet.get_by_role("button", name="Done")).to_be_focused()
        shoot(page, f"paid-{size['width']}")
        page.keyboard.press("Enter")
        expect(sheet).to_be_hidden()
        assert simulator.pay.orders.by_number(number).state == "SUCCESS"
        if size == PHONE:
            page.get_by_role("button", name="Message log").click()
        expect(page.locator("#exchanges")).to_contain_text("TRANSACTION.SUCCESS")
        expect(page.locator("#exchanges .chip.taken")).to_be_visible()
        assert shop.numbers() == [number]


def test_a_wrong_pin_is_told_and_the_keyboard_types_the_right_one(browser):
    with opened(browser, EchoBot(), pay=keys()) as (page, simulator):
        _, prepay_id = merchant_of(simulator).ordered()
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        page.keyboard.type("000000")
        expect(sheet.locator("#pay-word")).to_contain_text("Wrong PIN; please try again (4 tries left)")
        shoot(page, "wrong-pin")
        page.keyboard.type("12")
        expect(sheet.locator("#pin .full")).to_have_count(2)
        page.keyboard.press("Backspace")
        expect(sheet.locator("#pin .full")).to_have_count(1)
        page.keyboard.type("23456")
        expect(sheet).to_contain_text("支付成功")


def test_too_many_wrong_pins_lock_the_sheet(browser):
    with opened(browser, EchoBot(), pay=keys()) as (page, simulator):
        number, prepay_id = merchant_of(simulator).ordered()
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        for left in (4, 3, 2, 1):
            page.keyboard.type("000000")
            expect(sheet.locator("#pay-word")).to_contain_text(f"{left} tries left")
        page.keyboard.type("000000")
        expect(sheet.locator("#pay-word")).to_contain_text("try again in three hours")
        page.keyboard.type(PIN)
        expect(sheet.locator("#pin .full")).to_have_count(0)
        assert simulator.pay.orders.by_number(number).state == "NOTPAY"


@SIZES
def test_a_sheet_that_is_closed_pays_nothing(browser, size):
    with opened(browser, EchoBot(), size, pay=keys()) as (page, simulator):
        number, prepay_id = merchant_of(simulator).ordered()
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        enter(sheet, "123")
        sheet.get_by_role("button", name="Cancel the payment").click()
        expect(sheet).to_be_hidden()
        sheet = show_sheet(page, prepay_id)  # it can still be paid
        expect(sheet.locator("#pin .full")).to_have_count(0)
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
        assert simulator.pay.orders.by_number(number).state == "NOTPAY"


def test_an_order_that_fails_says_why(browser):
    with opened(browser, EchoBot(), pay=keys()) as (page, simulator):
        number, prepay_id = merchant_of(simulator).ordered()
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        simulator.timeline.move(7200)
        page.keyboard.type(PIN)
        expect(sheet.locator("#pay-word")).to_contain_text("The prepay_id has expired")
        assert simulator.pay.orders.by_number(number).state == "NOTPAY"


def test_a_slow_bank_is_waited_for(browser):
    with opened(browser, EchoBot(), pay=keys()) as (page, simulator):
        simulator.pay.phone.bank_seconds = 30
        _, prepay_id = merchant_of(simulator).ordered()
        pick(page, "秀英")
        sheet = show_sheet(page, prepay_id)
        page.keyboard.type(PIN)
        expect(sheet.locator("#pay-word")).to_contain_text("the bank has not answered yet")
        simulator.timeline.move(30)
        expect(sheet).to_contain_text("支付成功")


def test_the_sheet_is_on_the_phone_of_the_payer_and_there_after_a_reload(browser):
    with opened(browser, EchoBot(), pay=keys()) as (page, simulator):
        _, prepay_id = merchant_of(simulator).ordered()
        pick(page, "小满")
        sheet = show_sheet(page, prepay_id, visible=False)
        expect(sheet).to_be_hidden()
        page.locator("#crowd").get_by_text("秀英", exact=True).click()
        expect(sheet).to_be_visible()
        page.reload()
        expect(sheet.locator("#amount")).to_have_text("¥100.00")


PAY_PAGE = """<script src="{home}assets/bridge.js"></script><p id="result"></p>
<button onclick='
  WeixinJSBridge.invoke("getBrandWCPayRequest", {asked}, r => result.textContent = r.err_msg)
'>付款</button>"""


@pytest.mark.parametrize(
    ("typed", "heard"), [(PIN, "get_brand_wcpay_request:ok"), ("Escape", "get_brand_wcpay_request:cancel")]
)
def test_a_web_page_of_the_account_asks_for_a_payment_and_hears_its_end(browser, typed, heard):
    bot = PageBot()
    with opened(browser, bot, pay=keys()) as (page, simulator):
        merchant = merchant_of(simulator)
        _, prepay_id = merchant.ordered()
        home = re.sub(r"#.*", "", page.url)
        bot.html = PAY_PAGE.format(home=home, asked=json.dumps(merchant.for_bridge(prepay_id)))
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": page_of(simulator)})
        page.locator(".bubble a").click()
        inside = page.frame_locator("iframe")
        inside.get_by_role("button", name="付款").click()
        sheet = page.get_by_role("dialog", name="WeChat Pay")
        expect(sheet).to_be_visible()
        if typed == PIN:
            page.keyboard.type(PIN)
            sheet.get_by_role("button", name="Done").click()
        else:
            page.keyboard.press("Escape")
        expect(inside.locator("#result")).to_have_text(heard)


def test_an_answer_that_was_asked_for_before_the_payment_does_not_take_it_back(browser):
    """The page looks once and hears the stream; the look's answer comes last, and is the older one."""
    bot, held = PageBot(), []
    with opened(browser, bot, pay=keys()) as (page, simulator):
        merchant = merchant_of(simulator)
        _, prepay_id = merchant.ordered()
        home = re.sub(r"#.*", "", page.url)
        bot.html = PAY_PAGE.format(home=home, asked=json.dumps(merchant.for_bridge(prepay_id)))
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": page_of(simulator)})
        page.locator(".bubble a").click()
        inside = page.frame_locator("iframe")
        page.route("**/desk/feed*", lambda route: held.append((route, route.fetch())))
        inside.get_by_role("button", name="付款").click()
        sheet = page.get_by_role("dialog", name="WeChat Pay")
        expect(sheet).to_be_visible()
        page.keyboard.type(PIN)
        done = sheet.get_by_role("button", name="Done")
        expect(done).to_be_visible()
        assert held
        for route, answer in held:
            with page.expect_response("**/desk/feed*"):
                route.fulfill(response=answer)
        page.unroute_all()
        page.wait_for_timeout(300)  # the answer is taken by then
        expect(done).to_be_visible()
        done.click()
        expect(inside.locator("#result")).to_have_text("get_brand_wcpay_request:ok")


def test_a_web_page_with_a_wrong_signature_is_refused(browser):
    bot = PageBot()
    with opened(browser, bot, expected="422", pay=keys()) as (page, simulator):
        merchant = merchant_of(simulator)
        _, prepay_id = merchant.ordered()
        asked = json.dumps(merchant.for_bridge(prepay_id, nonceStr="another"))
        bot.html = PAY_PAGE.format(home=re.sub(r"#.*", "", page.url), asked=asked)
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": page_of(simulator)})
        page.locator(".bubble a").click()
        inside = page.frame_locator("iframe")
        inside.get_by_role("button", name="付款").click()
        expect(inside.locator("#result")).to_have_text("get_brand_wcpay_request:fail")
        expect(page.get_by_role("alert")).to_contain_text("paySign is wrong")
        expect(page.get_by_role("dialog", name="WeChat Pay")).to_be_hidden()
