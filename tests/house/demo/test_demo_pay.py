"""Money in the demo, as a donor with a phone goes about it: in Chromium, on a phone and at a desk."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from models.core.calendar import CHINA
from tests.harness.processes.demo import (  # noqa: F401
    ROOT,
    Demo,
    be,
    end_demo,
    expect_reply,
    leave,
    opened,
    pay,
    say,
    start_demo,
    tap,
    wait_for,
)


@pytest.fixture(name="demo", scope="module")
def demonstrated_by_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Begin the demo at ten in the morning where it is night in China: pushes wait for the morning."""
    now = datetime.now(CHINA)
    ten = now.replace(hour=10) + timedelta(days=now.hour >= 19)  # an hour before pushes stop
    ahead = (ten - now) / timedelta(days=1) if not 8 <= now.hour < 19 else 0.0
    demo = start_demo(tmp_path_factory.mktemp("demo"), f"--days-ahead={ahead}")
    yield demo
    end_demo(demo)


def test_a_gift_is_paid_heard_of_traced_and_asked_back(demo: Demo, page: Page) -> None:
    """Cancelled the first time: the page takes it again, and it is one order."""
    people = {person["openid"]: person for person in json.loads((demo.folder / "people.json").read_text("utf-8"))}
    owners = ",".join(f"'{openid}'" for openid in people)
    asked = (
        "FROM appeals JOIN conversations ON conversations.user_id = appeals.owner_id WHERE state = 'funding' "
        f"AND kind = 'crowdfund' AND openid IN ({owners}) ORDER BY appeals.id LIMIT 1"
    )
    appeal, owner = demo.ask(f"SELECT appeals.id {asked}"), str(demo.ask(f"SELECT openid {asked}"))
    be(page, "林老师")
    say(page, f"捐 {appeal} 30", "留您的称呼")
    say(page, "1", "先别急")
    say(page, "确认", "还没有付钱")
    page.locator(".from.account .bubble a").last.click()
    inside = page.frame_locator("iframe")
    button = inside.get_by_role("button", name="付 ¥30")
    sheet = page.get_by_role("dialog", name="WeChat Pay")
    button.click(timeout=60_000)
    expect(sheet).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    expect(inside.get_by_text("没有付，钱没有动")).to_be_visible(timeout=60_000)
    button.click()
    expect(sheet).to_be_visible(timeout=60_000)
    pay(page)
    gift = demo.ask("SELECT max(id) FROM pledges")
    assert demo.ask(f"SELECT state FROM pledges WHERE id = {gift}") == "committed"  # noqa: S608
    assert demo.ask(f"SELECT count(*) FROM pay_orders WHERE pledge_id = {gift}") == 1  # noqa: S608
    leave(page)
    # Several gifts within hours are told in one.
    told = "FROM notifications WHERE template = 'pledged' AND state IN ('sent', 'delivered') AND subject_id"
    wait_for(demo, page, f"SELECT count(*) {told} = {appeal}")
    be(page, people[owner]["name"])
    expect(page.get_by_text(re.compile("捐了 ¥|到账 .* 笔")).last).to_be_visible(timeout=60_000)
    _comes_back(demo, page, f"{demo.bot}/trace/", int(str(gift)))


def test_a_newcomer_reaches_a_paid_gift(demo: Demo, page: Page) -> None:
    """By what the chat tells them, with no word that they must know: thirteen taps or words, and the PIN."""
    page.get_by_role("button", name="A new follower").click()
    expect_reply(page, 0, "帮扶通")
    tap(page, "我要帮", "看求助", "正在求助的")
    for typed, answered in (
        ("1", "捐一点"),
        ("1", "注册"),
        ("1", "同意吗"),
        ("1", "您来这里是想"),
        ("2", "怎么称呼您"),
        ("新来的小陈", "确认"),
        ("确认", "接着办"),
        ("1", "多少钱"),
        ("二十块", "¥20"),
        ("2", "先别急"),
        ("确认", "还没有付钱"),
    ):
        say(page, typed, answered)
    page.locator(".from.account .bubble a").last.click()
    page.frame_locator("iframe").get_by_role("button", name="付 ¥20").click(timeout=60_000)
    expect(page.get_by_role("dialog", name="WeChat Pay")).to_be_visible(timeout=60_000)
    pay(page)
    assert demo.ask("SELECT state || amount_fen FROM pledges ORDER BY id DESC LIMIT 1") == "committed2000"
    leave(page)


def _comes_back(demo: Demo, page: Page, traces: str, gift: int) -> None:
    """Its donor asks for it; the page that says where it is says so, before and after."""
    code = demo.ask(f"SELECT code FROM pledges WHERE id = {gift}")  # noqa: S608
    browser = page.context.browser
    assert browser is not None
    trace = browser.new_page(viewport=page.viewport_size)
    trace.goto(f"{traces}{code}")
    steps = trace.locator(".steps li").count()
    assert steps >= 1
    be(page, "林老师")
    say(page, f"退款 {code}", "原路退回您的微信")
    say(page, "确认", "马上退")
    wait_for(demo, page, f"SELECT state = 'refunded' FROM pledges WHERE id = {gift}")  # noqa: S608
    wait_for(
        demo, page, "SELECT count(*) FROM notifications WHERE template = 'refunded' AND state IN ('sent', 'delivered')"
    )
    expect(page.locator(".from.account .bubble").last).to_contain_text("退", timeout=60_000)
    trace.reload()
    expect(trace.locator(".tip")).to_contain_text("退")
    assert trace.locator(".steps li").count() > steps
    shots = ROOT / "tests" / "screenshots"
    trace.screenshot(path=shots / f"trace-refunded-{trace.evaluate('innerWidth')}.png", full_page=True)
