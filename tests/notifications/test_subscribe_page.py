"""The page that asks for consent: signed for its very address, whole without a script, and in the simulator's phone."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from socket import create_server
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from werkzeug.test import TestResponse

from bot.app import links_of, sdk_of
from bot.simulator.app import create_simulator
from bot.simulator.fields import Template
from bot.simulator.options import Person
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.web.links import LAST, OWN_LAST
from bot.web.subscribe import WECHAT_SDK
from config.settings import Environment
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, pick, shoot
from tests.harness.simulator.echo_bot import MENU
from tests.harness.simulator.in_process import OPTIONS
from tests.notifications.asking_stage import CARDS, LINK, MONEY, PROGRESS, Asking

FORMS = tuple(
    Template(theirs, title, "进度:{{phrase1.DATA}}", example=f"{title}：已到账")
    for theirs, title in ((PROGRESS, "业务办理进度通知"), (MONEY, "款项变动通知"), (CARDS["task"], "待办事项提醒"))
)


@contextmanager
def running(url: str, redis_url: str) -> Iterator[tuple[Asking, Simulator, str]]:
    """The bot and the simulator at addresses of their own, each knowing the other's; the simulator's is given."""
    with create_server(("127.0.0.1", 0)) as one, create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    bot, wechat = (f"http://127.0.0.1:{port}" for port in ports)
    people = (Person("oAunt", "秀英", following=True),)
    app_id = f"wx{uuid4().hex[:16]}"  # its own keys in Redis
    options = replace(OPTIONS, app_id=app_id, bot_url=f"{bot}/wechat", subscriptions=FORMS, people=people)
    simulator = Simulator(options)
    simulator.menus.create(MENU)
    ours = {"wechat_api_url": wechat, "redis_url": redis_url, "wechat_app_id": app_id, "public_url": bot}
    stage = Asking(url, **ours)
    try:
        with serving(stage.app, ports[0]), serving(create_simulator(options, simulator), ports[1]):
            yield stage, simulator, wechat
    finally:
        simulator.close()
        stage.close()


@pytest.fixture
def door(new_database: Callable[[], str], redis_url: str) -> Iterator[tuple[Asking, Simulator, str]]:
    with running(new_database(), redis_url) as found:
        yield found


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Asking]:
    stage = Asking(new_database())
    yield stage
    stage.close()


def link_for(stage: Asking, openid: str = "oAunt") -> str:
    return links_of(stage.settings, stage.clock).make("subscribe", f"conversation:{stage.person(openid)}", 0)


def opened(stage: Asking, link: str) -> TestResponse:
    parts = urlsplit(link)
    return stage.client.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def part(page: str, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]+)"', page)
    assert found
    return found[1]


# Without a browser


@pytest.mark.parametrize("more", ["", "?from=singlemessage&isappinstalled=0"])
def test_the_page_is_signed_for_the_address_it_was_opened_at(door: Any, more: str) -> None:
    stage, simulator, wechat = door
    link = link_for(stage) + more
    answer = opened(stage, link)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    signed = part(page, "signature"), part(page, "nonce"), part(page, "timestamp")
    assert simulator.tickets.verify(*signed, link)
    assert not simulator.tickets.verify(*signed, f"{link}&more=1")
    assert part(page, "app-id") == stage.settings.wechat_app_id
    assert f'template="{MONEY},{PROGRESS}"' in page  # what staff are sent is theirs alone
    assert f'src="{wechat}/open/js/jweixin-1.6.0.js"' in page


def test_the_pages_policy_lets_in_wechats_script_and_no_other(door: Any) -> None:
    stage, _, wechat = door
    answer = opened(stage, link_for(stage))
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'self' {wechat}"
    assert policy["frame-src"] == "https://*.qq.com webcompt:"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert re.findall(r"<script(?! src=| type=\"text/wxtag-template\")", answer.get_data(as_text=True)) == []


def test_in_production_the_script_is_wechats_own(stage: Asking) -> None:
    assert sdk_of(stage.settings).startswith(stage.settings.wechat_api_url)
    production = stage.settings.model_copy(update={"bangfu_env": Environment.PRODUCTION})
    assert sdk_of(production) == WECHAT_SDK == "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"


def test_without_a_script_the_page_says_where_to_open_it_and_what_works_without(door: Any) -> None:
    stage, _, _ = door
    page = opened(stage, link_for(stage)).get_data(as_text=True)
    shown = re.findall(r'data-when="([^"]+)"(?! hidden)[^>]*>([^<]*)', page)
    assert [state for state, _ in re.findall(r'data-when="([^"]+)"( role="status")?>', page)] == ["outside"]
    assert shown
    assert "要在微信里打开" in page
    assert "回复“消息”" in page
    assert "退订" in page


def test_staff_are_asked_for_their_tasks_too(door: Any) -> None:
    stage, _, _ = door
    stage.appoint("oAunt", "village")
    assert f'template="{MONEY},{PROGRESS},{CARDS["task"]}"' in opened(stage, link_for(stage)).get_data(as_text=True)


def test_what_was_answered_meanwhile_is_not_asked_again(door: Any) -> None:
    stage, _, _ = door
    link = link_for(stage)
    stage.wechat = replace(stage.wechat, app_id=stage.settings.wechat_app_id)
    stage.answer("oAunt", {MONEY: "accept"})
    assert f'template="{PROGRESS}"' in opened(stage, link).get_data(as_text=True)
    stage.answer("oAunt", {PROGRESS: "accept"})
    answer = opened(stage, link)
    assert (answer.status_code, "已经开好了" in answer.get_data(as_text=True)) == (200, True)


def test_a_link_lives_for_a_day_and_opens_nothing_else(door: Any) -> None:
    stage, _, _ = door
    link = link_for(stage)
    stage.clock.move(OWN_LAST - timedelta(seconds=1))
    assert OWN_LAST > LAST
    assert opened(stage, link).status_code == 200
    stage.clock.move(timedelta(seconds=2))
    answer = opened(stage, link)
    assert (answer.status_code, "链接过期了" in answer.get_data(as_text=True)) == (403, True)
    token = urlsplit(link_for(stage)).path.rpartition("/")[2]
    for path in (f"/cards/{token}", f"/pictures/{token}", f"/subscribe/{token}x"):
        assert stage.client.get(path).status_code == 403


def test_with_wechat_away_the_page_says_so_and_what_works_without(stage: Asking) -> None:
    stage.changes["wechat_api_url"] = "http://127.0.0.1:9"
    stage.reopen()
    answer = opened(stage, link_for(stage))
    assert answer.status_code == 503
    assert "过几分钟" in answer.get_data(as_text=True)
    assert "回复“消息”" in answer.get_data(as_text=True)


def test_where_nothing_is_set_up_an_old_link_says_so(stage: Asking) -> None:
    link = link_for(stage)
    stage.changes["wechat_subscriptions"] = {}
    stage.reopen()
    answer = opened(stage, link)
    assert (answer.status_code, "没有开" in answer.get_data(as_text=True)) == (200, True)


# In the simulator's phone, in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@contextmanager
def phone(browser: Browser, door: Any, size: dict[str, int]) -> Iterator[tuple[Page, FrameLocator]]:
    """oAunt's phone with the page open that a pledge has led to. A complaint of the browser fails the test."""
    stage, _, wechat = door
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(wechat)
    pick(page, "秀英")
    door[1].push("oAunt", "text", {"text": f"点这里：\n{link_for(stage)}"})
    page.locator(".bubble a").click()
    yield page, page.frame_locator("iframe")
    page.close()
    assert complaints == []


@needs_chromium
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["390", "1280"])
@pytest.mark.parametrize(
    ("tapped", "said", "kept"), [("OK", "好了", {MONEY: 1, PROGRESS: 1}), ("Refuse all", "不告诉您", {})]
)
def test_the_button_leads_to_wechats_popup_and_the_answer_to_the_ledger(
    browser: Browser, door: Any, size: dict[str, int], tapped: str, said: str, kept: dict[str, int]
) -> None:
    stage, simulator, _ = door
    with phone(browser, door, size) as (page, inside):
        expect(inside.locator("[data-when=outside]")).to_be_hidden()
        button = inside.get_by_role("button", name="要，有消息告诉我")
        expect(button).to_be_visible()
        shoot(page, f"subscribe-{size['width']}")
        assert inside.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
        button.click()
        popup = page.get_by_role("dialog", name="Subscription notices")
        expect(popup).to_contain_text("款项变动通知")
        popup.get_by_role("button", name=tapped).click()
        expect(inside.get_by_text(said)).to_be_visible()
        expect(button).to_be_hidden()
        shoot(page, f"subscribe-{said}-{size['width']}")
    assert stage.left("oAunt") == kept
    assert {theirs: simulator.subscriptions.left("oAunt", theirs) for theirs in kept} == kept
    if not kept:
        assert all(row.refused_at for row in stage.kept("oAunt").values())


@needs_chromium
def test_a_popup_that_is_closed_is_no_answer_and_may_be_tapped_again(browser: Browser, door: Any) -> None:
    stage, _, _ = door
    with phone(browser, door, PHONE) as (page, inside):
        button = inside.get_by_role("button", name="要，有消息告诉我")
        button.click()
        popup = page.get_by_role("dialog", name="Subscription notices")
        expect(popup).to_be_visible()
        page.keyboard.press("Escape")
        expect(inside.get_by_text("您还没有选")).to_be_visible()
        button.click()
        expect(popup).to_be_visible()
    assert stage.kept("oAunt") == {}


@needs_chromium
def test_a_signature_that_wechat_does_not_take_is_told_in_words(browser: Browser, door: Any) -> None:
    stage, simulator, _ = door
    stage.client.get(urlsplit(link_for(stage)).path)  # the ticket that is kept from now on
    simulator.timeline.move(3 * 3600)
    simulator.tickets.get("jsapi")  # by the platform's clock it has been replaced
    with phone(browser, door, PHONE) as (_, inside):
        expect(inside.get_by_text("没弄成")).to_be_visible()


@needs_chromium
def test_outside_wechat_the_page_is_words(browser: Browser, door: Any) -> None:
    stage, _, _ = door
    page = browser.new_page()
    page.goto(link_for(stage))
    expect(page.get_by_text("这一页要在微信里打开")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.close()


@needs_chromium
def test_the_link_in_a_reply_opens_in_the_phone(browser: Browser, door: Any) -> None:
    stage, _, _ = door
    stage.wechat = replace(stage.wechat, app_id=stage.settings.wechat_app_id)
    found = LINK.search(stage.gift("oAunt"))
    assert found
    page = browser.new_page()
    page.goto(found[0])
    expect(page.get_by_role("heading", name="有消息，微信告诉您")).to_be_visible()
    page.close()


@in_a_browser
def test_the_page_is_for_everybody(door: Any) -> None:
    stage, _, _ = door
    with examining(stage, root=stage.settings.public_url) as examine:
        examine(link_for(stage), "notifications/subscribe")
        examine(f"{link_for(stage)}x", "notifications/subscribe_gone", status=403)
