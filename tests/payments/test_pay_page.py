"""The page to pay at: who may see it, what it has done at the platform, and what it says came of it."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, expect
from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.phone import PIN_TRIES
from bot.web.payments.sheet import LARGEST_BODY
from bot.wechat.oauth import OPEN_WECHAT, WebAuthorization
from models.appeals.appeal import Appeal, freeze, get_appeal
from models.core.state_machine import Actor, By
from models.giving.pledge import Pledge, make_pledge
from models.payments.collection import LAST_ORDER, PAY_WITHIN
from models.people.user import User
from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, OTHER, Collecting, collecting, link_in
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, pick, shoot
from tests.scenes.money.gifts import donor_of, give


@pytest.fixture
def stage(new_database: Callable[[], str], redis_url: str) -> Iterator[Collecting]:
    with collecting(new_database(), redis_url) as stage:
        yield stage


def test_a_donor_pledges_in_the_chat_and_pays_at_the_link(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, DONOR)
    stage.say(DONOR, f"捐 {appeal} 100")
    stage.say(DONOR, "2")
    link = link_in(stage.say(DONOR, "确认"))
    browser = stage.visit(DONOR)
    page = browser.get(link, timeout=60)
    assert page.status_code == 200
    assert page.url.partition("#")[0] == link  # no code stays in the address
    assert "苗寨修路" in page.text
    assert "¥100" in page.text
    sheet = stage.order(browser, link)["sheet"]
    stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), "123456")
    assert stage.hear(browser, link) == "paid"
    (order,) = stage.orders()
    assert (stage.state(Pledge, order.pledge_id), order.state) == ("committed", "paid")
    assert "付好了" in stage.say(DONOR, "我的捐赠")


def test_only_the_donor_sees_the_page(stage: Collecting) -> None:
    link = stage.link(stage.pledged())
    donor_of(stage, OTHER)
    browser = stage.visit(OTHER)
    answer = browser.get(link, timeout=60)
    assert answer.status_code == 403
    assert "这不是您的那一笔" in answer.text
    assert "¥100" not in answer.text
    assert "苗寨修路" not in answer.text
    assert browser.get(f"{link}/state", timeout=60).status_code == 403
    assert browser.post(f"{link}/order", json={"fallback": "refund"}, timeout=60).status_code == 403
    assert stage.orders() == []


def test_a_made_up_person_is_never_charged(stage: Collecting) -> None:
    link = stage.link(stage.pledged())
    stage.simulator.oauth.show_snapshots(DONOR, True)
    browser = stage.visit(DONOR)
    answer = browser.get(link, timeout=60)
    assert answer.status_code == 403
    assert "使用完整服务" in answer.text
    stage.simulator.oauth.show_snapshots(DONOR, False)
    assert browser.get(link, timeout=60).status_code == 200


def test_the_way_to_wechat_is_bound_to_one_browser_and_one_page(stage: Collecting) -> None:
    """A code that somebody else was sent with makes nobody the donor here."""
    mine, link = stage.visit(DONOR), stage.link(stage.pledged())
    sent = mine.get(link, allow_redirects=False, timeout=60)
    back = mine.get(sent.headers["Location"], allow_redirects=False, timeout=60).headers["Location"]
    assert "code=" in back
    theirs = requests.Session()
    answer = theirs.get(back, timeout=60)
    assert answer.status_code == 403
    assert "再来一次" in answer.text
    other = stage.link(stage.pledged(appeal=1))
    elsewhere = mine.get(f"{other}?{back.partition('?')[2]}", timeout=60)
    assert elsewhere.status_code == 403
    assert mine.get(back, timeout=60).status_code == 200  # it was looked at once, and by its own
    assert mine.get(back, timeout=60).status_code == 403  # a code is good once
    assert mine.get(link, timeout=60).status_code == 200


def test_an_altered_address_opens_nothing(stage: Collecting) -> None:
    link, browser = stage.link(stage.pledged()), stage.visit(DONOR)
    start, _, signature = link.rpartition(".")
    altered = f"{start}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    assert "这一页打不开" in browser.get(altered, timeout=60).text


def test_a_link_lives_as_long_as_the_gift_can_be_paid(stage: Collecting) -> None:
    """Three days, as the words say that came with it; an order of the last minute can still be paid."""
    gift = stage.pledged()
    link = stage.link(gift)
    with Database(stage.database) as db:
        pay_by = db.get_one(Pledge, gift).pay_by
    assert pay_by is not None
    assert abs(pay_by - stage.clock() - PAY_WITHIN) < timedelta(minutes=1)
    stage.clock.move(PAY_WITHIN - timedelta(minutes=1))
    browser = stage.visit(DONOR)
    assert 'data-state="ready"' in browser.get(link, timeout=60).text
    assert stage.order(browser, link)["state"] == "ready"
    (order,) = stage.orders()
    assert timedelta(0) <= order.expires_at - pay_by <= LAST_ORDER
    stage.clock.move(timedelta(minutes=1))
    assert 'data-state="over"' in stage.visit(DONOR).get(link, timeout=60).text
    assert stage.order(browser, link) == {"state": "over"}


def test_an_end_of_the_appeal_that_comes_first_ends_the_link_too(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    with Database(stage.database) as db:
        deadline = db.get_one(Appeal, appeal).closes_at
    stage.clock.move(deadline - stage.clock() - timedelta(minutes=10))
    gift = stage.pledged(appeal=appeal)
    with Database(stage.database) as db:
        assert db.get_one(Pledge, gift).pay_by == deadline - LAST_ORDER
    link, browser = stage.link(gift), stage.visit(DONOR)
    browser.get(link, timeout=60)
    stage.clock.move(timedelta(minutes=10) - LAST_ORDER)
    assert stage.order(browser, link) == {"state": "over"}
    assert stage.simulator.pay.orders.all() == []


def test_an_order_has_a_short_body_also_if_its_length_is_not_stated(stage: Collecting) -> None:
    link, browser = stage.link(stage.pledged()), stage.visit(DONOR)
    browser.get(link, timeout=60)
    huge, deep = b'{"fallback": "refund", "x": "' + b"x" * 2000 + b'"}', b"[" * LARGEST_BODY
    for body, status in ((huge, 413), (iter([huge]), 413), (deep, 400), (iter([b'{"fallback": "refund"}']), 200)):
        kind = {"Content-Type": "application/json"}
        answer = browser.post(f"{link}/order", data=body, headers=kind, timeout=60)
        assert (answer.status_code, len(stage.orders())) == (status, int(status == 200))


def test_no_other_site_can_order_in_the_donors_name(stage: Collecting) -> None:
    link, browser = stage.link(stage.pledged()), stage.visit(DONOR)
    browser.get(link, timeout=60)
    (cookie,) = [one for one in browser.cookies if one.name == "bangfu_visitor"]
    assert cookie.path == "/"
    assert {"HttpOnly", "SameSite"} <= set(cookie._rest)  # type: ignore[attr-defined]
    assert cookie._rest["SameSite"] == "Lax"  # type: ignore[attr-defined]
    form = browser.post(f"{link}/order", data={"fallback": "refund"}, timeout=60)
    odd = browser.post(f"{link}/order", json={"fallback": "keep"}, timeout=60)
    assert [answer.status_code for answer in (form, odd)] == [400, 400]
    assert stage.orders() == []
    page = browser.get(link, timeout=60)
    policy = page.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy
    assert f"script-src 'self' {stage.wechat_url}" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script(?! src=)", page.text) == []


def test_the_sheets_word_proves_nothing(stage: Collecting) -> None:
    pledge = stage.pledged()
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    stage.order(browser, link)
    assert stage.hear(browser, link) == "ready"  # the page may say what it likes
    assert stage.state(Pledge, pledge) == "awaiting_payment"


def test_a_double_tap_is_one_order_and_a_cancelled_one_is_paid_later(stage: Collecting) -> None:
    pledge = stage.pledged()
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    one, two = (stage.order(browser, link)["sheet"]["package"] for _ in range(2))
    assert one == two
    assert len(stage.orders()) == len(stage.simulator.pay.orders.all()) == 1
    assert stage.pay(pledge) == "paid"
    assert "到账了，谢谢您" in browser.get(link, timeout=60).text
    assert stage.order(browser, link) == {"state": "paid"}


def test_what_becomes_of_it_if_it_fails_is_chosen_with_the_button(stage: Collecting) -> None:
    pledge = stage.pledged()
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    stage.order(browser, link, "similar")
    with Database(stage.database) as db:
        assert db.get_one(Pledge, pledge).fallback == "similar"
    assert re.search(r'value="similar" checked', browser.get(link, timeout=60).text)


def _frozen(stage: Collecting, appeal: int) -> None:
    with Database(stage.database) as db, db.begin():
        freeze(db, get_appeal(db, appeal, lock=True), Actor(By.COUNTY, "staff:0"), stage.clock(), "money_misuse")


def _full(stage: Collecting, appeal: int) -> None:
    give(stage, appeal, 495_000, "oOther")


def _slept(stage: Collecting, _appeal: int) -> None:
    with Database(stage.database) as db, db.begin():
        db.execute(update(Pledge).values(pay_by=stage.clock() - timedelta(seconds=1)))


@pytest.mark.parametrize(("happens", "state"), [(_frozen, "shut"), (_full, "full"), (_slept, "over")])
def test_what_cannot_be_paid_says_so_and_places_no_order(stage: Collecting, happens: Any, state: str) -> None:
    appeal = stage.open_appeal()
    pledge = stage.pledged(appeal=appeal)
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    happens(stage, appeal)
    assert stage.order(browser, link) == {"state": state}
    assert stage.hear(browser, link) == state
    page = browser.get(link, timeout=60).text
    assert re.search(rf'data-when="{state}" role="status">', page)
    assert stage.simulator.pay.orders.all() == []


@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.LOST])
def test_while_wechat_pay_is_away_nothing_moves_and_the_page_says_so(stage: Collecting, kind: Kind) -> None:
    """Also where the order was placed, and only the answer got lost: the next tap has the same one."""
    pledge = stage.pledged()
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    fault = stage.simulator.faults.add(Fault(kind, where="/v3/pay/transactions/jsapi"))
    answer = browser.post(f"{link}/order", json={"fallback": "refund"}, timeout=30)
    assert (answer.status_code, answer.json()) == (503, {"state": "trouble"})
    stage.simulator.faults.lift(fault)
    assert stage.pay(pledge) == "paid"
    assert len(stage.orders()) == len(stage.simulator.pay.orders.all()) == 1


def test_a_slow_bank_is_waited_for(stage: Collecting) -> None:
    stage.simulator.pay.phone.bank_seconds = 60
    pledge = stage.pledged()
    link, browser = stage.link(pledge), stage.visit(DONOR)
    browser.get(link, timeout=60)
    sheet = stage.order(browser, link)["sheet"]
    stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN)
    assert stage.hear(browser, link) == "ready"
    stage.simulator.timeline.move(60)
    assert stage.hear(browser, link) == "paid"


def test_my_gifts_have_the_link_until_it_is_paid(stage: Collecting) -> None:
    pledge = stage.pledged()
    link = link_in(stage.say(DONOR, "我的捐赠"))
    assert stage.visit(DONOR).get(link, timeout=60).status_code == 200
    stage.pay(pledge)
    assert "/pay/" not in stage.say(DONOR, "我的捐赠")


def test_a_promise_from_before_anything_was_collected_can_be_paid(stage: Collecting) -> None:
    appeal, donor = stage.open_appeal(), donor_of(stage, DONOR)
    with Database(stage.database) as db, db.begin():
        held = get_appeal(db, appeal, lock=True)
        pledge = make_pledge(db, "old", held, db.get_one(User, donor), 10_000, False, stage.clock()).id
    browser, link = stage.visit(DONOR), link_in(stage.say(DONOR, "我的捐赠"))
    assert browser.get(link, timeout=60).status_code == 200
    assert stage.pay(pledge) == "paid"
    assert stage.state(Pledge, pledge) == "committed"


def test_while_wechat_is_away_the_page_asks_to_come_again(stage: Collecting) -> None:
    link, browser = stage.link(stage.pledged()), stage.visit(DONOR)
    fault = stage.simulator.faults.add(Fault(Kind.DOWN, where="/sns/oauth2/access_token"))
    answer = browser.get(link, timeout=30)
    assert (answer.status_code, "现在打不开" in answer.text) == (503, True)
    stage.simulator.faults.lift(fault)
    assert browser.get(link, timeout=60).status_code == 200


def test_in_production_the_way_leads_to_wechats_own_pages() -> None:
    authorization = WebAuthorization(
        "https://api.weixin.qq.com", OPEN_WECHAT, "wx1", SecretStr("s"), requests.Session()
    )
    assert authorization.authorize_url("https://bangfu.example/pay/T", "abc") == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1"
        "&redirect_uri=https%3A%2F%2Fbangfu.example%2Fpay%2FT&response_type=code&scope=snsapi_base"
        "&state=abc#wechat_redirect"
    )


def test_more_than_is_missing_is_asked_again(stage: Collecting) -> None:
    appeal = stage.open_appeal(target_fen=30_000)
    give(stage, appeal, 25_000, "oOther")
    donor_of(stage, DONOR)
    stage.say(DONOR, f"捐 {appeal} 100")
    assert "只差 ¥50 了，捐不了这么多" in stage.say(DONOR, "2")
    assert "只差 ¥50" in stage.say(DONOR, "确认")
    stage.say(DONOR, "50")
    assert "/pay/" in stage.say(DONOR, "确认")


# In a browser, through the simulator's phone


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, stage: Collecting, browser: Browser) -> Iterator[Page]:
    complaints: list[str] = []
    size = request.param
    page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    stage.simulator.timeline.start()
    page.goto(stage.wechat_url)
    yield page
    page.close()
    assert complaints == []


def inside(stage: Collecting, page: Page, pledge: int) -> FrameLocator:
    """The page to pay at, opened on the donor's phone by a tap on the link."""
    stage.simulator.push(DONOR, "text", {"text": stage.link(pledge)})
    pick(page, "秀英")
    page.locator(".bubble a").last.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_contain_text("苗寨修路")
    return frame


@needs_chromium
@pytest.mark.parametrize(
    "page", [DESK, pytest.param(PHONE, marks=pytest.mark.smoke)], ids=["desk", "phone"], indirect=True
)
def test_a_donor_pays_in_the_pay_sheet_and_the_page_says_what_we_know(stage: Collecting, page: Page) -> None:
    pledge = stage.pledged()
    frame = inside(stage, page, pledge)
    button = frame.get_by_role("button", name="付 ¥100")
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    frame.get_by_label("转给一个差不多的求助").check()
    shoot(page, f"pay-page-{page.viewport_size['width']}")  # type: ignore[index]
    button.click()
    sheet = page.get_by_role("dialog", name="WeChat Pay")
    expect(sheet.locator("#amount")).to_have_text("¥100.00")
    page.keyboard.press("Escape")
    expect(frame.get_by_text("没有付，钱没有动")).to_be_visible()
    button.click()
    expect(sheet).to_be_visible()
    page.keyboard.type(PIN)
    sheet.get_by_role("button", name="Done").click()
    expect(frame.get_by_text("到账了，谢谢您！")).to_be_visible()
    expect(button).to_be_hidden()
    shoot(page, f"pay-page-paid-{page.viewport_size['width']}")  # type: ignore[index]
    assert stage.state(Pledge, pledge) == "committed"
    assert len(stage.orders()) == 1
    with Database(stage.database) as db:
        assert db.get_one(Pledge, pledge).fallback == "similar"


@needs_chromium
def test_a_payment_that_failed_leaves_a_pledge_that_can_be_paid(stage: Collecting, page: Page) -> None:
    pledge = stage.pledged()
    frame = inside(stage, page, pledge)
    button = frame.get_by_role("button", name="付 ¥100")
    sheet = page.get_by_role("dialog", name="WeChat Pay")
    button.click()
    for _ in range(PIN_TRIES):
        expect(sheet).to_be_visible()
        page.keyboard.type("000000")
        # Until the platform has answered, the sheet takes neither a digit nor Escape; then its six places are empty.
        expect(sheet.locator("[data-part=pin]")).to_have_attribute("aria-label", "0 / 6")
    page.keyboard.press("Escape")
    expect(frame.get_by_text("没付成，钱没有动")).to_be_visible()
    assert stage.state(Pledge, pledge) == "awaiting_payment"


@needs_chromium
def test_nothing_spills_over_the_edge_of_a_phone(stage: Collecting, page: Page) -> None:
    inside(stage, page, stage.pledged(99_999))
    frame = page.frames[-1]
    wide = frame.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


@needs_chromium
def test_outside_of_wechat_the_page_says_where_to_pay(stage: Collecting, browser: Browser) -> None:
    link = stage.link(stage.pledged())
    context = browser.new_context()
    context.add_cookies(
        [{"name": each.name, "value": each.value or "", "url": stage.wechat_url} for each in stage.visit(DONOR).cookies]
    )
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_text("要在微信里付款")).to_be_visible()
    expect(page.get_by_role("button")).to_be_hidden()
    context.close()


@in_a_browser
def test_the_page_is_for_everybody(stage: Collecting) -> None:
    link = stage.link(stage.pledged())
    bridge = "window.WeixinJSBridge = {invoke: (name, asked, done) => done({err_msg: ':cancel'})};"
    for name, script in (("pay", bridge), ("pay-outside", "")):
        with examining(stage, visitor=DONOR, root=stage.bot_url, script=script) as examine:
            examine(link, "payments/pay", name=name)
    with examining(stage, root=stage.bot_url) as examine:
        examine(f"{link}x", "payments/pay_gone", status=403)
