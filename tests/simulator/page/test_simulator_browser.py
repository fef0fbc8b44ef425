"""The chat page as a person meets it, in a real browser, on a desk and on a phone."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from bot.simulator.app import create_simulator
from bot.simulator.serving import serving
from tests.harness.simulator.browser import (
    DESK,
    PHONE,
    TABLET,
    WIDE,
    bubbles,
    chromium,
    needs_chromium,
    opened,
    pick,
    shoot,
)
from tests.harness.simulator.echo_bot import EchoBot, chatting, reply_xml

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.mark.smoke
def test_a_newcomer_follows_taps_the_menu_and_types(browser):
    with opened(browser, EchoBot()) as (page, _):
        page.get_by_role("button", name="A new follower").click()
        expect(page.locator(".bubble").first).to_have_text("subscribe")
        page.get_by_role("button", name="求助", exact=True).click()
        page.get_by_role("button", name="众筹", exact=True).click()
        expect(page.locator(".bubble").nth(1)).to_have_text("click 众筹")
        page.get_by_role("button", name="Show the keyboard").click()
        page.keyboard.type("苗寨修路")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("第二行")
        page.keyboard.press("Enter")
        expect(page.locator(".from.account .bubble:not(.typing)").nth(2)).to_have_text("苗寨修路\n第二行")
        expect(page.get_by_label("Write a message")).to_be_focused()
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator(".from.account .bubble:not(.typing)").nth(3)).to_have_text("1")
        assert bubbles(page, "person") == ["苗寨修路\n第二行", "1"]


def test_photo_place_voice_and_scan_from_the_panel(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        page.get_by_role("button", name="Show the keyboard").click()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Photo").click()
        page.get_by_role("button", name="Mud road").click()
        expect(page.locator(".from.person .picture img")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Place").click()
        page.get_by_label("Label").fill("村口的桥")
        page.get_by_label("Label").press("Enter")
        expect(page.locator(".bubble").get_by_text("村口的桥")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Voice").click()
        page.get_by_label("What is said").fill("三十万")
        page.get_by_label("WeChat recognises it too").check()
        page.get_by_label("What is said").press("Enter")
        expect(page.locator(".bubble").get_by_text("三十万")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Scan a code").click()
        page.get_by_label("What the code says").fill("箱7")
        page.get_by_label("What the code says").press("Enter")
        expect(page.locator(".bubble").get_by_text("scan 箱7")).to_be_visible()
        photo = simulator.chat.newer_than(0)["entries"][0]["content"]["media_id"]
        assert simulator.media.get(photo).format == "image/jpeg"


def test_a_reply_never_becomes_markup(browser):
    links = '<a href="javascript:alert(1)">点我</a> <a href="https://a.test/?x=1&y=2">看</a> http://b.test/。'
    hostile = f"<img src=x onerror=alert(1)> {links}"
    with opened(browser, EchoBot(answer=lambda _: reply_xml(hostile))) as (page, _):
        pick(page, "秀英")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        bubble = page.locator(".from.account .bubble:not(.typing)")
        expect(bubble).to_have_text("<img src=x onerror=alert(1)> 点我 看 http://b.test/。")
        assert [link.get_attribute("href") for link in bubble.locator("a").all()] == [
            "https://a.test/?x=1&y=2",
            "http://b.test/",
        ]
        assert bubble.locator("img").count() == 0


def test_a_slow_server_shows_waiting_then_the_line_and_the_log_shows_three_tries(browser):
    leave = threading.Event()
    with opened(browser, EchoBot(before=lambda _: leave.wait(30)), deadline=1.0) as (page, _):
        pick(page, "秀英")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator(".typing")).to_be_visible()
        expect(page.locator(".line.bad")).to_contain_text("该公众号暂时无法提供服务，请稍后再试")
        expect(page.locator(".typing")).to_have_count(0)
        expect(page.locator(".tries i.timeout")).to_have_count(3)
        leave.set()


def test_pushes_arrive_by_themselves_and_are_counted(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        expect(page.locator("#server")).to_have_attribute("data-state", "well")
        simulator.push("oAunt", "text", {"text": "到账了"})
        simulator.push("oNew", "text", {"text": "有人帮您了"})
        expect(page.locator(".from.account .bubble").get_by_text("到账了")).to_be_visible()
        expect(page.locator("#crowd .badge")).to_have_text("1")
        expect(page).to_have_title(re.compile(r"^\(1\) "))
        pick(page, "小满")
        expect(page.locator("#crowd .badge")).to_have_count(0)
        expect(page).to_have_title(re.compile(r"^帮扶通"))


def test_what_was_missed_while_the_line_was_down_comes_when_it_is_back(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": "一"})
        expect(page.locator(".from.account .bubble")).to_have_text(["一"])
        simulator.chat.close()  # every stream ends
        simulator.push("oAunt", "text", {"text": "二"})
        simulator.chat.closed = False
        simulator.push("oAunt", "text", {"text": "三"})
        expect(page.locator(".from.account .bubble")).to_have_text(["一", "二", "三"])
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("size", [PHONE, TABLET, DESK, WIDE], ids=["phone", "tablet", "desk", "wide"])
def test_every_size_of_window_shows_all_of_it(browser, size, request):
    with opened(browser, EchoBot(), size) as (page, _):
        pick(page, "秀英")
        page.get_by_role("button", name="求助", exact=True).click()
        page.get_by_role("button", name="众筹", exact=True).click()
        expect(page.locator(".from.account .bubble")).to_have_text("click 众筹")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        for wanted in (page.locator("#strip"), page.locator(".bubble").last, page.locator("#who")):
            expect(wanted).to_be_in_viewport()
        expect(page.locator(".log")).to_be_visible(visible=size["width"] >= DESK["width"])
        shoot(page, request.node.callspec.id)


def test_a_pasted_text_brings_the_keyboard(browser):
    with opened(browser, EchoBot()) as (page, _):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        pick(page, "秀英")
        page.evaluate("navigator.clipboard.writeText('苗寨修路')")
        page.keyboard.press("Control+V")
        expect(page.get_by_label("Write a message")).to_be_focused()
        page.keyboard.press("Control+V")
        expect(page.get_by_label("Write a message")).to_have_value("苗寨修路苗寨修路")
        page.keyboard.press("Enter")
        expect(page.locator(".from.account .bubble:not(.typing)")).to_have_text("苗寨修路苗寨修路")


def test_the_page_works_without_a_mouse(browser):
    with opened(browser, EchoBot()) as (page, _):
        newcomer = page.get_by_role("button", name="A new follower")
        for _ in range(3):
            page.keyboard.press("Tab")
        expect(newcomer).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".bubble").first).to_have_text("subscribe")
        title = page.get_by_role("button", name="求助", exact=True)
        title.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("button", name="众筹", exact=True)).to_be_focused()
        page.keyboard.press("Escape")
        expect(title).to_be_focused()
        expect(page.locator("#menu ul:visible")).to_have_count(0)


def test_a_tapped_option_comes_back_with_its_id(browser):
    bot = EchoBot()
    with opened(browser, bot) as (page, simulator):
        pick(page, "秀英")
        menu = {"head": "要看吗？", "options": [{"id": "101", "content": "看看"}], "tail": ""}
        simulator.push("oAunt", "msgmenu", menu)
        page.get_by_role("button", name="看看").click()
        expect(page.locator(".from.person .bubble")).to_have_text("看看")
        expect(page.locator(".from.account .bubble:not(.typing)").nth(1)).to_have_text("看看")
    assert "<bizmsgmenuid><![CDATA[101]]></bizmsgmenuid>" in bot.heard[0]


def test_whoever_leaves_can_come_back(browser):
    with opened(browser, EchoBot()) as (page, _):
        pick(page, "秀英")
        page.get_by_role("button", name="Show the keyboard").click()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Unfollow").click()
        page.get_by_role("button", name="关注公众号 Follow", exact=True).click()
        expect(page.locator(".bubble")).to_have_text(["subscribe"])


def test_on_a_phone_one_thing_is_seen_at_a_time(browser):
    with opened(browser, EchoBot(), PHONE) as (page, _):
        expect(page.locator(".log")).to_be_hidden()
        expect(page.locator(".phone")).to_be_hidden()
        pick(page, "小满")
        expect(page.locator(".bubble").first).to_have_text("subscribe")
        expect(page.locator(".people")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.get_by_role("button", name="Message log").click()
        page.locator("#exchanges summary").first.click()
        expect(page.locator(".xml").first).to_contain_text("<ToUserName>")
        page.get_by_role("button", name="Back to the chat").click()
        page.get_by_role("button", name="Back to people").click()
        expect(page.locator(".people")).to_be_visible()


def test_a_reload_comes_back_to_the_same_person(browser):
    with opened(browser, EchoBot()) as (page, _):
        pick(page, "小满")
        expect(page.locator(".bubble")).to_have_text(["subscribe"])
        page.reload()
        expect(page.locator(".bubble")).to_have_text(["subscribe"])
        expect(page.locator("#who")).to_contain_text("小满")


@pytest.mark.chaos
def test_a_simulator_that_is_gone_is_told_until_it_is_back(browser):
    with ExitStack() as stack:
        simulator = stack.enter_context(chatting(EchoBot()))
        app = create_simulator(simulator.options, simulator)
        page = browser.new_page()
        stack.callback(page.close)
        with serving(app) as url:
            page.goto(url)
            expect(page.locator("#crowd")).to_contain_text("秀英")
            simulator.chat.close()
        expect(page.get_by_role("alert")).to_contain_text("Is it still running?")
        simulator.chat.closed = False
        simulator.push("oAunt", "text", {"text": "又来了"})
        with serving(app, int(url.rsplit(":", 1)[1])):
            expect(page.locator("#crowd")).to_contain_text("又来了", timeout=15_000)
            expect(page.get_by_role("alert")).to_have_count(0)


def test_the_account_is_seen_typing(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator(".from.account .bubble:not(.typing)")).to_have_text("1")
        simulator.windows.type("oAunt", typing=True)
        expect(page.locator("#typing")).to_be_visible()
        simulator.windows.type("oAunt", typing=False)
        expect(page.locator("#typing")).to_be_hidden()
        expect(page.locator("#who")).to_contain_text("秀英")


def test_a_blacklisted_person_is_told_apart_from_a_silent_platform(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        simulator.people.set_blacklisted(["oAunt"], True)
        pick(page, "秀英")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        page.locator("#exchanges summary").first.click()
        expect(page.locator(".hush")).to_contain_text("has blacklisted this person")
