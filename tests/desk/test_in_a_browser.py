"""The desk in a real browser, on a computer and on a phone: a scanned code lets it in by itself, and all of it fits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session as Database

from bot.simulator.serving import serving
from models.staff.task import Matter, open_task
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, shoot
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.desk import OFFICER, scan, signed_in
from tests.scenes.gallery import Gallery
from tests.scenes.seat import SEAT

pytestmark = needs_chromium


@contextmanager
def at_desk(stage: Stage, size: dict[str, int], *, script: bool = True) -> Iterator[Page]:
    """A browser at the desk's address, whose complaints fail the test."""
    complaints: list[str] = []
    with serving(stage.app) as url, chromium() as browser:
        opened = browser.new_context(
            viewport={"width": size["width"], "height": size["height"]}, java_script_enabled=script
        )
        page = opened.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/desk")
        yield page
    assert complaints == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_scanned_code_lets_the_browser_in(
    stage: Stage, run_simulator: Callable[..., RunningSimulator], size: dict[str, int]
) -> None:
    stage.appoint(OFFICER, "township", SEAT["township"], work_no="DX0002")
    with Database(stage.database) as db, db.begin():
        for number, step in ((11, "township_review"), (12, "adjudicate"), (13, "township_review")):
            open_task(db, Matter("case", number, DAOXIAN_MEIHUA, None), step, stage.clock())
    stage.clock.move(timedelta(days=3))
    wechat = run_simulator()
    stage.reopen(wechat_api_url=wechat.url)
    name = f"desk-{size['width']}"
    with at_desk(stage, size) as page:
        shoot(page, f"{name}-1-way-in")
        page.get_by_role("button", name="显示登录码").click()
        expect(page.get_by_role("img", name="登录用的二维码")).to_be_visible()
        shoot(page, f"{name}-2-code")
        scan(stage, OFFICER, wechat.simulator.codes.shown()[0].scene)
        expect(page.get_by_text("手机上在问是不是您")).to_be_visible()
        expect(page.get_by_role("img", name="登录用的二维码")).to_be_hidden()
        shoot(page, f"{name}-3-asked")
        stage.say(OFFICER, "1")
        expect(page.get_by_role("heading", name="等您办的")).to_be_visible()
        expect(page.get_by_role("row")).to_have_count(4)
        shoot(page, f"{name}-4-queue")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.get_by_role("link", name="办得怎么样").click()
        expect(page.get_by_role("heading", name="办得怎么样")).to_be_visible()
        shoot(page, f"{name}-5-figures")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.get_by_role("button", name="退出").click()
        expect(page.get_by_role("button", name="显示登录码")).to_be_visible()


def test_without_script_a_button_goes_in(stage: Stage) -> None:
    stage.appoint(OFFICER, "township", SEAT["township"])
    with at_desk(stage, DESK, script=False) as page:
        page.get_by_role("button", name="显示登录码").click()
        digits = page.locator(".sum").inner_text()
        stage.say(OFFICER, digits)
        stage.say(OFFICER, "1")
        page.get_by_role("button", name="我在微信里说了").click()
        expect(page.get_by_role("heading", name="等您办的")).to_be_visible()


@in_a_browser
def test_the_way_in_is_for_everybody(stage: Stage, run_simulator: Callable[..., RunningSimulator]) -> None:
    stage.appoint(OFFICER, "township", SEAT["township"])
    stage.reopen(wechat_api_url=run_simulator().url)
    with examining(stage, visitor=OFFICER) as examine:
        examine("/desk", "desk/sign_in")
        examine("/desk/figures", "desk/sign_in", status=403, name="desk-signed-out")
        examine("/desk", "desk/code", act=lambda page: page.get_by_role("button", name="显示登录码").click())
        examine("/desk/phone", "desk/entered")
        examine("/desk/phone?code=x&state=y", "desk/gone", status=403)


@in_a_browser
def test_the_desk_is_for_everybody(gallery: Gallery) -> None:
    """With both kinds of things that wait, what is late, and pictures that came, are on their way and were lost."""
    stage = gallery.stage
    with Database(stage.database) as db, db.begin():
        for number in range(11, 17):
            kind, step = ("case", "visit") if number % 3 else ("request", "request")
            open_task(db, Matter(kind, number, DAOXIAN_MEIHUA, None), step, stage.clock())
    stage.clock.move(timedelta(days=4))
    for state in ("owed", "lost"):
        gallery.keep("appeal", gallery.appeal, state)
    token = signed_in(stage).cookie()
    with examining(stage, kept={"bangfu_desk": token}) as examine:
        examine("/desk", "desk/queue")
        examine("/desk?kind=offer", "desk/queue", name="desk-empty")
        examine("/desk/figures", "desk/figures")
        examine(f"/desk/files/appeal/{gallery.appeal}", "desk/file")
        examine("/desk/files/appeal/999", "desk/no_file", status=403)
