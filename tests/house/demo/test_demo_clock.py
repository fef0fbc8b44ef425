"""Time in the demo: 48 hours, five days and a month's end are played at the page, and outlive a restart.

Slow: each demo is seven processes, and the page a browser.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from bot.demo.dump import read_contents
from bot.processes.supervisor import free_port
from tests.harness.processes.demo import (  # noqa: F401
    ROOT,
    Demo,
    be,
    demonstrated,
    end_demo,
    leave,
    opened,
    pay,
    say,
    start_demo,
    wait_for,
)

MONTH = "9:30"
ON_NOTICE = (
    "SELECT verifications.id FROM verifications JOIN conversations USING (user_id) WHERE openid LIKE 'oDemoResidentWu%'"
)


def move(page: Page, button: str, ahead: str) -> None:
    """In the drawer of the clock, which then says how far it is ahead."""
    page.locator("[data-open=clock]").click()
    clock = page.get_by_role("dialog", name="The platform's clock")
    expect(clock).to_contain_text("The account's server goes by the same clock")
    clock.get_by_role("button", name=button).click()
    expect(clock.locator("#moved")).to_contain_text("Moved by", timeout=60_000)
    expect(clock.locator("#ahead")).to_contain_text(ahead)
    page.keyboard.press("Escape")
    expect(clock).to_be_hidden()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_days_and_a_months_end_pass_for_the_bot_too(demo: Demo, page: Page) -> None:
    be(page, "吴满妹")
    move(page, "48 h", "2 d ahead")
    say(page, "认证", "公示")
    case = demo.ask(ON_NOTICE)
    assert demo.ask(f"SELECT state FROM verifications WHERE id = {case}") == "public_notice"  # noqa: S608
    move(page, "5 days", "7 d ahead")
    wait_for(demo, page, f"SELECT state <> 'public_notice' FROM verifications WHERE id = {case}")  # noqa: S608

    _gives_and_has_it_back(demo, page)

    month = demo.ask("SELECT to_char(now() + interval '7 days' + interval '8 hours', 'YYYY-MM')")
    move(page, MONTH, "ahead")
    wait_for(demo, page, f"SELECT count(*) > 0 FROM notifications WHERE dedupe_key LIKE 'digest:{month}:%'")  # noqa: S608
    assert requests.get(f"{demo.bot}/readyz", timeout=60).json()["database"] == "ok"


def _gives_and_has_it_back(demo: Demo, page: Page) -> None:
    """A week ahead: no order, signature, token or ticket is refused for the clock."""
    appeal = demo.ask(
        "SELECT id FROM appeals WHERE state = 'funding' AND deadline > now() + interval '9 days' ORDER BY id LIMIT 1"
    )
    # A push that comes between two answers would take the next number for itself.
    owed = "state = 'owed' AND due_at < now() + interval '7 days'"
    wait_for(demo, page, f"SELECT count(*) = 0 FROM notifications WHERE {owed}")  # noqa: S608
    be(page, "林老师")
    say(page, f"捐 {appeal} 30", "留您的称呼")
    say(page, "1", "先别急")
    say(page, "确认", "还没有付钱")
    page.locator(".from.account .bubble a").last.click()
    page.frame_locator("iframe").get_by_role("button", name="付 ¥30").click(timeout=60_000)
    expect(page.get_by_role("dialog", name="WeChat Pay")).to_be_visible(timeout=60_000)
    pay(page)
    leave(page)
    gift = demo.ask("SELECT max(id) FROM pledges")
    ahead = "extract(epoch FROM paid_at - now()) / 86400"
    assert demo.ask(f"SELECT round({ahead}) FROM pay_orders WHERE pledge_id = {gift}") == 7  # noqa: S608
    say(page, f"退款 {demo.ask(f'SELECT code FROM pledges WHERE id = {gift}')}", "原路退回您的微信")  # noqa: S608
    say(page, "确认", "马上退")
    wait_for(demo, page, f"SELECT state = 'refunded' FROM pledges WHERE id = {gift}")  # noqa: S608


@pytest.mark.slow
def test_new_followers_and_the_clock_outlive_a_restart(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    first = start_demo(tmp_path, "--days-ahead=-30")
    try:
        oldest = first.ask("SELECT max(created_at) FROM users")
        assert isinstance(oldest, datetime)
        assert oldest < began - timedelta(days=29), "the world's history ends when its clock begins"
        newcomer = _desk(first, "people")["openid"]
        assert _desk(first, "meet", openid=newcomer)["status"] == "replied"
        _desk(first, "clock", seconds=86_400)
        spoken = _spoken(first, newcomer)
        assert abs(spoken - (datetime.now(UTC) - timedelta(days=29))) < timedelta(minutes=2)
    finally:
        end_demo(first)
    earlier = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "--days-ahead=-60"],
        cwd=ROOT,
        env={**os.environ, "DEMO_DIR": str(tmp_path), "PORT": str(free_port()), "SIMULATOR_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert earlier.returncode == 1
    assert "time does not go back; another DEMO_DIR begins anew" in earlier.stderr
    second = start_demo(tmp_path)
    try:
        feed = requests.get(f"{second.url}desk/feed", timeout=60).json()
        assert (feed["people"][0]["openid"], feed["people"][0]["following"]) == (newcomer, True)
        assert abs(feed["ahead"] + 29 * 86_400) < 60  # what fell due in the move took a moment of it
        assert abs(_spoken(second, newcomer) - (datetime.now(UTC) - timedelta(days=29))) < timedelta(minutes=2)
    finally:
        end_demo(second)


@pytest.mark.slow
def test_the_demo_begins_where_the_prepared_year_ends(tmp_path: Path) -> None:
    ends = read_contents().at
    demo = start_demo(tmp_path)
    try:
        assert int(str(demo.ask("SELECT count(*) FROM pledges"))) > 1_500
        [openid] = [
            person["openid"]
            for person in requests.get(f"{demo.url}desk/feed", timeout=60).json()["people"]
            if person["name"] == "林老师"
        ]
        assert timedelta(0) <= _spoken(demo, openid) - ends < timedelta(hours=1)
        assert requests.get(f"{demo.bot}/numbers", timeout=60).status_code == 200
        picture = demo.ask("SELECT path FROM photos WHERE subject = 'update' ORDER BY id LIMIT 1")
        assert (demo.folder / "media" / str(picture)).exists()
    finally:
        end_demo(demo)


def _desk(demo: Demo, action: str, **fields: Any) -> dict[str, Any]:
    """What the page sends, and its answer."""
    origin = {"Origin": demo.url.rstrip("/")}
    answer = requests.post(f"{demo.url}desk/{action}", data=fields, headers=origin, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _spoken(demo: Demo, openid: str) -> datetime:
    """When the bot takes a message of theirs, by its own clock."""
    assert _desk(demo, "text", openid=openid, text="菜单")["status"] == "replied"
    touched = demo.ask(f"SELECT touched_at FROM conversations WHERE openid = '{openid}'")  # noqa: S608
    assert isinstance(touched, datetime)
    return touched
