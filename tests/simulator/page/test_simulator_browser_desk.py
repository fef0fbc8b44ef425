"""The page's phones side by side, its fault desk and its clock, in a real browser."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bot.simulator.faults import Fault, Kind
from tests.harness.simulator.browser import DESK, PHONE, WIDE, beside, chromium, needs_chromium, opened, pick, shoot
from tests.harness.simulator.echo_bot import EchoBot

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def phone_of(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=f"Chat: {name}")


def test_two_people_talk_side_by_side_and_each_hears_their_own(browser):
    with opened(browser, EchoBot()) as (page, _):
        pick(page, "秀英")
        beside(page, "小满")
        aunt, new = phone_of(page, "秀英"), phone_of(page, "小满")
        expect(new.locator(".bubble")).to_have_text(["subscribe"])
        aunt.get_by_role("button", name="Show the keyboard").click()
        page.keyboard.type("我家的路断了")
        new.get_by_role("button", name="求助", exact=True).click()
        new.get_by_role("button", name="众筹", exact=True).click()
        expect(new.locator(".bubble")).to_have_text(["subscribe", "click 众筹"])
        expect(aunt.locator(".bubble")).to_have_count(0)
        expect(aunt.get_by_label("Write a message")).to_have_value("我家的路断了")
        aunt.get_by_label("Write a message").press("Enter")
        expect(aunt.locator(".bubble:not(.typing)")).to_have_text(["我家的路断了", "我家的路断了"])
        expect(new.locator(".bubble")).to_have_count(2)
        expect(page.locator("#exchanges > li")).to_have_count(3)
        assert page.evaluate("document.documentElement.scrollWidth") == DESK["width"]
        assert page.evaluate("[...document.querySelectorAll('[id]')].length") == page.evaluate(
            "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
        )
        shoot(page, "side-by-side")


def test_a_phone_is_put_away_and_the_other_stays_as_it_is(browser):
    with opened(browser, EchoBot()) as (page, _):
        pick(page, "秀英")
        beside(page, "小满")
        new = phone_of(page, "小满")
        new.get_by_role("button", name="Show the keyboard").click()
        page.keyboard.type("没写完")
        phone_of(page, "秀英").get_by_role("button", name="Put this phone away").click()
        expect(page.get_by_role("region", name="Chat: ")).to_have_count(1)
        expect(page.locator("#words")).to_have_value("没写完")
        expect(page.get_by_role("button", name="Put this phone away")).to_have_count(0)
        pick_other = page.locator("#crowd").get_by_text("秀英", exact=True)
        pick_other.click()
        expect(page.locator("#who")).to_contain_text("秀英")
        expect(page.locator("#words")).to_have_value("")
        page.locator("#crowd").get_by_text("小满", exact=True).click()
        expect(page.locator("#words")).to_have_value("没写完")


def test_a_wide_window_has_room_for_three_and_a_reload_brings_them_back(browser):
    with opened(browser, EchoBot(), WIDE) as (page, simulator):
        for name in ("谷", "雨", "清"):
            simulator.new_person(f"o{name}", name)
        expect(page.locator("#crowd li")).to_have_count(5)
        pick(page, "秀英")
        beside(page, "谷")
        beside(page, "雨")
        expect(page.get_by_role("region", name="Chat: ")).to_have_count(3)
        page.locator("#crowd li").filter(has_text="清").hover()
        expect(page.get_by_role("button", name="Open beside")).to_have_count(0)
        shoot(page, "three")
        page.reload()
        expect(page.get_by_role("region", name="Chat: ")).to_have_count(3)
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        expect(page.get_by_role("region", name="Chat: ")).to_have_count(1)


def test_a_phone_sized_window_has_one_phone(browser):
    with opened(browser, EchoBot(), PHONE) as (page, _):
        expect(page.get_by_role("button", name="Open beside")).to_have_count(0)
        pick(page, "秀英")
        expect(page.get_by_role("region", name="Chat: ")).to_have_count(1)


def open_faults(page: Page) -> Locator:
    page.get_by_role("button", name="Faults").click()
    return page.get_by_role("dialog", name="Fault desk")


def test_a_fault_is_explained_put_on_seen_at_work_and_lifted(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        desk = open_faults(page)
        desk.get_by_label("Kind").select_option("refuse")
        expect(desk.locator("#fault-words")).to_contain_text("answered with this error code")
        expect(desk.get_by_role("spinbutton", name="Error code")).to_be_visible()
        expect(desk.get_by_label("Whose deliveries")).to_be_hidden()
        desk.get_by_label("Kind").select_option("drop")
        expect(desk.locator("#fault-words")).to_contain_text("never arrives")
        expect(desk.get_by_role("spinbutton", name="Error code")).to_be_hidden()
        desk.get_by_label("How often").fill("2")
        desk.get_by_label("Whose deliveries").select_option(label="秀英")
        desk.get_by_role("button", name="Add").click()
        expect(desk.locator("#fault-list li")).to_contain_text(["秀英"])
        expect(page.locator("#fault-count")).to_have_text("1")
        assert simulator.faults.shown() == [Fault(Kind.DROP, times=2, where="oAunt")]
        page.keyboard.press("Escape")
        expect(desk).to_be_hidden()
        expect(page.get_by_role("button", name="Faults")).to_be_focused()
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator("#exchanges .chip.fault")).to_contain_text("Lost delivery")
        expect(page.locator(".tries i")).to_have_count(3)
        expect(page.locator(".tries i.dropped")).to_have_count(2)
        page.locator("#exchanges summary").first.click()
        expect(page.locator(".deliveries li").first).to_contain_text("lost on the way")
        expect(page.locator("#fault-count")).to_be_hidden()  # used up


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_fault_has_its_words_and_can_be_added(browser, kind):
    with opened(browser, EchoBot()) as (page, simulator):
        desk = open_faults(page)
        desk.get_by_label("Kind").select_option(kind.value)
        expect(desk.locator("#fault-words")).not_to_be_empty()
        desk.get_by_role("button", name="Add").click()
        expect(desk.locator("#fault-list li")).to_have_count(1)
        assert simulator.faults.shown()[0].kind is kind
        expect(desk.locator("#fault-list b")).not_to_have_text(kind.value)  # it has a name in words


def test_ready_made_faults_and_all_lifted_at_once(browser):
    with opened(browser, EchoBot(), PHONE) as (page, simulator):
        desk = open_faults(page)
        presets = desk.locator(".presets button")
        for preset in presets.all():
            preset.click()
        expect(desk.locator("#fault-list li")).to_have_count(presets.count())
        shoot(page, "faults-phone")
        desk.get_by_role("button", name="Lift: 投递丢失").first.click()
        expect(desk.locator("#fault-list li")).to_have_count(presets.count() - 1)
        desk.get_by_role("button", name="Lift all").click()
        expect(desk.locator("#no-faults")).to_be_visible()
        assert simulator.faults.shown() == []
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_minute_of_silence_is_seen_and_passes(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        simulator.faults.add(Fault(Kind.DROP))
        for number in range(6):
            simulator.send_text("oAunt", str(number))
        expect(page.locator("#silence")).to_contain_text("WeChat delivers nothing")
        expect(page.locator("#exchanges > li").first).to_contain_text("Not delivered")
        page.locator("#exchanges summary").first.click()
        expect(page.locator(".hush")).to_contain_text("silent for its minute")
        simulator.faults.lift()
        page.locator("[data-open=clock]").click()
        page.get_by_role("button", name="1 min").click()
        expect(page.locator("#silence")).to_be_hidden()


def test_the_clock_is_moved_and_says_how_far_ahead_it_is(browser):
    with opened(browser, EchoBot()) as (page, simulator):
        pick(page, "秀英")
        simulator.timeline.after(2 * 86400, lambda: simulator.push("oAunt", "text", {"text": "明天到期"}))
        page.locator("[data-open=clock]").click()
        clock = page.get_by_role("dialog", name="The platform's clock")
        expect(clock.locator("#ahead")).to_contain_text("The true time")
        china = simulator.timeline() + 8 * 3600  # wherever the browser is
        hours = {time.gmtime(at).tm_hour for at in (china - 60, china, china + 60)}
        assert int(clock.locator("#big-time").inner_text().split()[1][:2]) in hours
        clock.get_by_role("button", name="3 days").click()
        expect(clock.locator("#ahead")).to_contain_text("3 d ahead")
        expect(clock.locator("#moved")).to_contain_text("Moved by 3 d")
        expect(page.locator(".from.account .bubble")).to_have_text("明天到期")
        clock.get_by_label("Any").fill("5")
        clock.get_by_label("Unit").select_option("3600")
        clock.get_by_role("button", name="Move", exact=False).last.click()
        expect(clock.locator("#ahead")).to_contain_text("3 d 5 h ahead")
        expect(page.locator("#tool-time")).to_contain_text("+3 天 5 小时")
        shoot(page, "clock")
        assert abs(simulator.timeline.ahead - (3 * 86400 + 5 * 3600)) < 60
        page.keyboard.press("Escape")
        expect(clock).to_be_hidden()
