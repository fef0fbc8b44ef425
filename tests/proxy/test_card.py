"""Printed cards: their QR codes come from the simulator over HTTP, and the page is for the officer's eyes."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import segno
from sqlalchemy import update
from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from bot.app import links_of
from bot.proxy.card_codes import MOST_TRIES, make_code, owed_codes
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from models.core.audit_trail import AuditEvent
from models.core.encryption import Keyring, use_keyring
from models.proxy.card import SCENE, Card
from models.staff.member import Staff
from models.tables import metadata
from models.upkeep.key_rotation import rotate
from tests.harness.erasing import of
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.processes.worker_desk import worker_beside
from tests.harness.processes.workers import sweep_all
from tests.harness.simulator.browser import DESK, PHONE, SHOTS, chromium, needs_chromium, shoot
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage, id_number

QINGTANG = "431124104000"


class Press:
    """An officer who has just issued a card, the worker that asks for its code, and the platform."""

    def __init__(self, stage: Stage, running: RunningSimulator, redis_url: str) -> None:
        self.stage = stage
        self.simulator: Simulator = running.simulator
        self.context = worker_beside(stage, running, redis_url)
        self.wang = stage.register("o-wang", "resident")
        self.zhou = stage.appoint("o-zhou", "village")
        self.issue()

    def issue(self) -> str:
        for words in ("代办", "3", id_number(3), "确认"):
            reply = self.stage.say("o-zhou", words)
        found = re.search(r"https?://\S+/cards/\S+", reply)
        assert found
        self.path = urlsplit(found[0]).path
        return self.path

    def make(self) -> None:
        make_code(self.stage.database, self.context.api, self.card().id, self.stage.clock)

    def owed(self) -> list[int]:
        with Database(self.stage.database) as db:
            return list(owed_codes(db, self.stage.clock(), 10))

    def card(self) -> Card:
        with Database(self.stage.database, expire_on_commit=False) as db:
            return db.get_one(Card, max(of(self.stage, Card, "id")))

    def get(self, path: str = "", openid: str = "o-zhou") -> TestResponse:
        return self.stage.browse(openid, path or self.path)

    def link(self, staff: int, what: str = "card:1") -> str:
        return urlsplit(links_of(self.stage.settings, self.stage.clock).make("card", what, staff)).path


@pytest.fixture
def press(database_url: str, run_simulator: Callable[..., RunningSimulator], redis_flushed: str) -> Iterator[Press]:
    stage = Stage(database_url)
    press = Press(stage, run_simulator(stage.app), redis_flushed)
    yield press
    press.context.close()
    stage.close()


def refused(answer: TestResponse, words: str) -> None:
    assert answer.status_code == 403
    assert words in answer.text
    assert "<svg" not in answer.text


def test_the_page_says_to_wait_and_then_shows_the_code_that_leads_to_the_card(press: Press) -> None:
    assert "还没做好" in press.get().text
    press.make()
    card = press.card()
    [code] = press.simulator.codes.shown()
    assert (code.scene, code.url, code.ends) == (f"{SCENE}{card.code}", card.qr_url, None)
    page = press.get()
    assert page.status_code == 200
    path = re.search(r' d="([^"]+)"', segno.make(code.url, error="m").svg_inline(border=4))
    assert path
    assert path[1] in page.text
    assert "王**" in page.text
    # What identifies them, or would let somebody in, is not on a paper that lies about.
    assert not any(words in page.text for words in ("王秀兰", id_number(3), card.code or "", "13800000000"))
    assert page.headers["Cache-Control"] == "no-store"
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]


def test_a_job_that_runs_twice_makes_one_code(press: Press) -> None:
    press.make()
    url = press.card().qr_url
    press.make()
    assert press.card().qr_url == url
    assert press.card().qr_tries == 1
    assert len(press.simulator.codes.shown()) == 1


def test_without_the_platform_the_card_waits_and_the_sweep_asks_again(press: Press, database_url: str) -> None:
    away = press.context.api._wire._api_url
    press.context.api._wire._api_url = "http://127.0.0.1:9"
    press.make()
    assert press.card().qr_url is None
    assert press.owed() == []
    press.stage.clock.move(timedelta(minutes=3))
    assert press.owed() == [press.card().id]
    jobs: list[tuple[str, int]] = []
    press.context.jobs.enqueue = jobs.extend  # type: ignore[assignment]
    sweep_all(press.context, press.stage.clock())
    assert ("make_card_code", press.card().id) in jobs
    press.context.api._wire._api_url = away
    press.make()
    assert press.card().qr_url
    assert press.owed() == []


def test_a_card_that_gets_no_code_is_let_be(press: Press) -> None:
    with Database(press.stage.database) as db, db.begin():
        db.execute(update(Card).values(qr_tries=MOST_TRIES))
    press.make()
    assert press.card().qr_url is None
    press.stage.clock.move(timedelta(minutes=3))
    assert press.owed() == []


def test_when_lasting_codes_are_used_up_one_of_thirty_days_has_to_do(press: Press) -> None:
    press.simulator.codes.permanent_limit = 0
    press.make()
    card = press.card()
    assert card.qr_until == press.stage.clock() + timedelta(days=30)
    assert "请在 2026年12月24日前扫" in press.get().text


def test_a_card_that_is_void_before_its_code_comes_gets_none(press: Press) -> None:
    first = press.card().id
    old = press.path
    press.issue()
    make_code(press.stage.database, press.context.api, first)
    assert press.simulator.codes.shown() == []
    refused(press.get(old), "作废")


def test_only_the_officer_who_asked_sees_it_and_only_for_a_quarter_of_an_hour(press: Press) -> None:
    press.make()
    refused(press.get(press.path[:-2] + "xx"), "改动过")
    refused(press.get(press.link(press.stage.appoint("o-far", "village", QINGTANG)), "o-far"), "不归您管")
    refused(press.get(press.link(press.zhou, "card:99")), "不归您管")
    with Database(press.stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == press.zhou).values(state="suspended"))
    refused(press.get(), "不归您管")
    with Database(press.stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == press.zhou).values(state="active"))
    assert press.get().status_code == 200
    press.stage.clock.move(timedelta(minutes=16))
    refused(press.get(), "15 分钟")


def test_each_opening_is_on_record_for_who_it_is_about(press: Press) -> None:
    press.make()
    press.get()
    press.get()
    with Database(press.stage.database) as db:
        shown = db.query(AuditEvent).filter(AuditEvent.subject == "card", AuditEvent.about.is_not(None)).all()
    assert [(event.actor, event.about) for event in shown] == [(f"staff:{press.zhou}", press.wang)] * 2


def test_a_card_is_found_after_a_new_data_key(press: Press) -> None:
    old = press.stage.settings.data_keys.get_secret_value()
    code = press.card().code
    before = press.card().code_hash
    ring = Keyring.parse(f"{'A' * 43}=,{old}")
    use_keyring(ring)
    try:
        rotate(press.stage.database, metadata)
        assert press.card().code_hash == ring.lookup_hashes(code or "", "card")[0] != before
    finally:
        use_keyring(Keyring.parse(old))


def cookie(press: Press, address: str) -> Any:
    return {"name": "bangfu_visitor", "value": press.stage.visitor_cookie("o-zhou"), "url": address}


@needs_chromium
def test_the_card_on_a_phone_a_desk_and_on_paper(press: Press) -> None:
    press.make()
    with chromium() as browser, serving(press.stage.app) as address:
        faults: list[str] = []
        for name, size in (("phone", PHONE), ("desk", DESK)):
            page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
            page.context.add_cookies([cookie(press, address)])
            page.on("console", lambda message: faults.append(message.text))
            page.goto(address + press.path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            box = page.locator(".card .code svg").bounding_box()
            assert box
            assert box["width"] >= 180
            assert faults == []
            shoot(page, f"card-{name}")
            page.close()
        page = browser.new_page(viewport={"width": 396, "height": 560})  # A6 at 96 dots an inch
        page.context.add_cookies([cookie(press, address)])
        page.goto(address + press.path)
        page.emulate_media(media="print")
        assert not page.locator(".screen").is_visible()
        assert page.evaluate("document.documentElement.scrollHeight") <= 560
        shoot(page, "card-print")
        SHOTS.mkdir(exist_ok=True)
        paper = page.pdf(format="A6", prefer_css_page_size=False)
        (SHOTS / "card.pdf").write_bytes(paper)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
        page.goto(address + press.path[:-2] + "xx")
        shoot(page, "card-gone")


def test_screenshots_are_kept_out_of_git() -> None:
    assert "screenshots" in (Path(__file__).parents[2] / ".gitignore").read_text()


@in_a_browser
def test_the_card_is_for_everybody(press: Press) -> None:
    with examining(press.stage, visitor="o-zhou") as examine:
        examine(press.path, "proxy/card", name="card-not-ready")
        press.make()
        examine(press.path, "proxy/card", name="card")
        examine(f"{press.path}x", "proxy/card_gone", status=403)
