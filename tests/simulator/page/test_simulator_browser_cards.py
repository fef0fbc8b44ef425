"""Cards, codes, consents and web pages on the phones of the page, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bot.simulator.fields import Template
from tests.harness.processes.workers import until
from tests.harness.simulator.browser import (
    PHONE,
    PageBot,
    beside,
    chromium,
    needs_chromium,
    opened,
    page_of,
    pick,
    shoot,
)
from tests.harness.simulator.echo_bot import EchoBot, reply_xml

pytestmark = needs_chromium
PROGRESS = Template("tpl-progress", "求助进展通知", "求助事项:{{thing1.DATA}}\n进展:{{phrase2.DATA}}")
HARVEST = Template("tpl-harvest", "上市提醒", "产品:{{thing1.DATA}}", example="产品:脐橙")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def test_a_template_message_is_a_card_with_rows_and_a_link(browser):
    with opened(browser, PageBot(html="<h1>进展</h1>"), PHONE) as (page, simulator):
        pick(page, "秀英")
        rows = [{"name": "求助事项", "value": "<b>修路</b>"}, {"name": "进展", "value": "村里通过了"}]
        simulator.push("oAunt", "template", {"title": "求助进展通知", "fields": rows, "url": page_of(simulator)})
        card = page.locator(".card.notice")
        expect(card.locator("strong")).to_have_text("求助进展通知")
        expect(card.locator("dt")).to_have_text(["求助事项", "进展"])
        expect(card.locator("dd")).to_have_text(["<b>修路</b>", "村里通过了"])
        shoot(page, "template")
        card.click()
        expect(page.frame_locator("iframe").locator("h1")).to_have_text("进展")
        shoot(page, "inside")
        page.get_by_role("button", name="Close the page").click()
        expect(page.locator("iframe")).to_have_count(0)


def test_a_card_without_a_page_is_no_link(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        simulator.push("oAunt", "subscription", {"title": "上市提醒", "fields": [], "url": "javascript:alert(1)"})
        expect(page.locator(".card.notice")).to_contain_text("subscription notice")
        expect(page.locator("a.card")).to_have_count(0)


def test_links_of_the_account_open_inside_and_others_in_a_tab(browser):
    bot = PageBot(html="<h1>公示</h1>")
    with opened(browser, bot) as (page, simulator):
        links = f'<a href="{page_of(simulator)}">公示</a> <a href="http://127.0.0.1:9/other">别处</a>'
        bot.answer = lambda _: reply_xml(links)
        pick(page, "秀英")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        bubble = page.locator(".from.account .bubble:not(.typing)")
        with page.expect_popup() as popup:
            bubble.get_by_text("别处").click()
        popup.value.close()
        expect(page.locator("iframe")).to_have_count(0)
        bubble.get_by_text("公示").click()
        expect(page.frame_locator("iframe").locator("h1")).to_have_text("公示")
        page.keyboard.press("Escape")
        expect(page.locator("iframe")).to_have_count(0)
        assert page.context.cookies()[0]["value"] == "oAunt"  # whose phone it is, for web authorisation


def test_a_page_inside_may_not_act_on_the_desk(browser):
    steal = "<script>parent.postMessage({weixin:'invoke',id:1,name:'sendText',args:{text:'1'}},'*')</script>"
    with opened(browser, PageBot(html=f"<h1>x</h1>{steal}"), expected="403") as (page, simulator):
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": page_of(simulator)})
        page.locator(".bubble a").click()
        expect(page.frame_locator("iframe").locator("h1")).to_have_text("x")
        frame = page.frames[1]
        status = frame.evaluate(
            "home => fetch(home + 'desk/text', {method: 'POST', mode: 'no-cors'}).then(() => 'sent', () => 'refused')",
            re.sub(r"#.*", "", page.url),
        )
        assert status == "sent"  # the browser lets it go; the simulator does not listen
        assert [entry["by"] for entry in simulator.chat.newer_than(0)["entries"]] == ["account"]


def test_a_shared_link_is_a_card(browser):
    bot = EchoBot(answer=lambda _: "success")
    with opened(browser, bot) as (page, simulator):
        pick(page, "秀英")
        simulator.link("oAunt", "修路的事", "村口那段路", "https://a.test/x")
        expect(page.locator(".from.person .card")).to_contain_text("a.test")
        assert page.locator("a.card").get_attribute("href") == "https://a.test/x"


def test_a_code_of_the_account_is_picked_and_scanned(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        body = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "箱7"}}}
        simulator.codes.create(body)
        short = {"action_name": "QR_STR_SCENE", "expire_seconds": 60, "action_info": {"scene": {"scene_str": "门口"}}}
        simulator.codes.create(short)
        pick(page, "秀英")
        page.get_by_role("button", name="Show the keyboard").click()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Scan a code").click()
        codes = page.locator("#codes button")
        expect(codes).to_contain_text(["门口", "箱7"])
        shoot(page, "codes")
        codes.filter(has_text="箱7").click()
        expect(page.locator(".bubble").get_by_text("scan 箱7")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Scan a code").click()
        expect(codes).to_have_count(2)
        simulator.timeline.move(60)
        expect(codes).to_contain_text(["箱7"])  # the other one lived for a minute


def test_the_popup_asks_for_consent_template_by_template(browser):
    bot = EchoBot()
    with opened(browser, bot, PHONE) as (page, simulator):
        pick(page, "秀英")
        page.get_by_role("button", name="Show the keyboard").click()
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("button", name="Notices")).to_have_count(0)
        simulator.subscriptions.put(PROGRESS)
        simulator.subscriptions.put(HARVEST)
        page.get_by_role("button", name="Notices").click()
        popup = page.get_by_role("dialog", name="Subscription notices")
        popup.get_by_label("上市提醒").uncheck()
        shoot(page, "consent")
        popup.get_by_role("button", name="OK").click()
        expect(popup).to_be_hidden()
        page.get_by_role("button", name="Message log").click()
        expect(page.locator("#exchanges")).to_contain_text("consent")
        assert simulator.subscriptions.left("oAunt", PROGRESS.template_id) == 1
        assert simulator.subscriptions.left("oAunt", HARVEST.template_id) == 0
    assert re.findall(r"<SubscribeStatusString><!\[CDATA\[(\w+)", bot.heard[0]) == ["accept", "reject"]


def test_a_page_inside_asks_for_consent(browser):
    bot = PageBot()
    with opened(browser, bot) as (page, simulator):
        simulator.subscriptions.put(HARVEST)
        home = re.sub(r"#.*", "", page.url)
        asked = "{templateIds: ['tpl-harvest']}, r => document.title = JSON.stringify(r)"
        bot.html = (
            f"<script src='{home}assets/bridge.js'></script>"
            f"<button onclick=\"WeixinJSBridge.invoke('subscribeMessages', {asked})\">订阅</button>"
        )
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": page_of(simulator)})
        page.locator(".bubble a").click()
        page.frame_locator("iframe").get_by_role("button").click()
        page.get_by_role("dialog", name="Subscription notices").get_by_role("button", name="OK").click()
        frame = page.frames[1]
        until(lambda: "subscribe_messages:ok" in frame.title())
        assert '"tpl-harvest":"accept"' in frame.title()


def test_a_person_who_has_left_their_phone_sees_what_came_when_they_are_back(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        beside(page, "小满")
        phone = page.get_by_role("region", name="小满")
        # Else the answer to their following comes after they have left, and counts as well.
        expect(phone.locator(".from.account .bubble:not(.typing)")).to_have_count(1)
        phone.get_by_role("button", name="Put this phone away").click()
        simulator.push("oNew", "text", {"text": "有人帮您了"})
        expect(page.locator("#crowd .badge")).to_have_text("1")
