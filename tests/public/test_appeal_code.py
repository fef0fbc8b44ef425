"""The account's code on an appeal's page: fetched while it is open, renewed, scanned, and counted without a name."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.public.codes import make_code
from bot.simulator.faults import Fault, Kind
from bot.simulator.simulator import Simulator
from bot.web.qr import drawn, picture_address
from models.public.appeal_code import LASTS, SCENE, SHOWN_FOR, CodeScans, find_code, owed_codes, scans_of
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.processes.worker_desk import worker_beside
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage
from tests.scenes.pages import agreed, closed, read


class Kiosk:
    """An appeal with a public page, the worker that fetches its code, and the platform."""

    def __init__(self, stage: Stage, running: RunningSimulator, redis_url: str) -> None:
        self.stage = stage
        self.simulator: Simulator = running.simulator
        self.context = worker_beside(stage, running, redis_url)
        self.appeal = agreed(stage, stage.open_appeal())

    def owed(self) -> list[int]:
        with Database(self.stage.database) as db:
            return list(owed_codes(db, self.stage.clock(), 10))

    def make(self) -> None:
        """Run the jobs of what the sweep finds."""
        for number in self.owed():
            make_code(self.stage.database, self.context.api, number, self.stage.clock())

    def code(self) -> str | None:
        with Database(self.stage.database) as db:
            return find_code(db, self.appeal, self.stage.clock())

    def scans(self) -> tuple[int, int]:
        with Database(self.stage.database) as db:
            found = scans_of(db, self.appeal)
            return found.scans, found.follows


@pytest.fixture
def kiosk(database_url: str, run_simulator: Callable[..., RunningSimulator], redis_flushed: str) -> Iterator[Kiosk]:
    stage = Stage(database_url)
    kiosk = Kiosk(stage, run_simulator(stage.app), redis_flushed)
    yield kiosk
    kiosk.context.close()
    stage.close()


def test_the_page_shows_the_code_that_opens_it_in_the_chat(kiosk: Kiosk) -> None:
    assert 'class="code"' not in read(kiosk.stage, kiosk.appeal).text
    kiosk.make()
    [code] = kiosk.simulator.codes.shown()
    assert (code.scene, code.url) == (f"{SCENE}{kiosk.appeal}", kiosk.code())
    assert code.ends, "an account has 100,000 lasting codes, and this is none of them"
    assert f'src="{picture_address(code.url)}"' in read(kiosk.stage, kiosk.appeal).text
    assert kiosk.owed() == []


def test_a_code_is_renewed_before_it_ends(kiosk: Kiosk) -> None:
    kiosk.make()
    first = kiosk.code()
    kiosk.stage.clock.move(LASTS - SHOWN_FOR - timedelta(days=1, minutes=-1))
    assert kiosk.code() == first
    kiosk.make()
    assert kiosk.code() not in (None, first)
    assert kiosk.owed() == []


def test_only_an_open_page_gets_one(kiosk: Kiosk) -> None:
    other = kiosk.stage.open_appeal()
    closed(kiosk.stage, kiosk.appeal)
    assert kiosk.owed() == []
    for number in (kiosk.appeal, other):
        make_code(kiosk.stage.database, kiosk.context.api, number, kiosk.stage.clock())
    assert kiosk.simulator.codes.shown() == []


def test_while_wechat_gives_none_the_page_stands_without(kiosk: Kiosk) -> None:
    kiosk.simulator.faults.add(Fault(Kind.REFUSE, share=1.0, where="/cgi-bin/qrcode/create", code=-1))
    kiosk.make()
    assert kiosk.owed() == [kiosk.appeal]
    assert "回复下面这几个字" in read(kiosk.stage, kiosk.appeal).text


def test_a_scan_opens_the_appeal_and_is_counted_by_nobodys_name(kiosk: Kiosk) -> None:
    kiosk.make()
    address = kiosk.code() or ""
    kiosk.simulator.new_person("oLi", "Li")
    welcome = kiosk.simulator.scan_code("oLi", address).reply_text
    assert f"求助 {kiosk.appeal} 号：苗寨修路" in welcome
    assert kiosk.scans() == (1, 1)
    kiosk.simulator.scan_code("oLi", address)
    assert kiosk.scans() == (2, 1)
    with Database(kiosk.stage.database) as db:
        [row] = db.scalars(select(CodeScans))
    assert set(vars(row)) - {"_sa_instance_state"} == {"appeal_id", "day", "scans", "follows"}


def test_a_scan_after_the_page_closed_opens_the_appeal_and_counts_nothing(kiosk: Kiosk) -> None:
    kiosk.make()
    address = kiosk.code() or ""
    closed(kiosk.stage, kiosk.appeal)
    kiosk.simulator.new_person("oLi", "Li")
    assert "苗寨修路" in kiosk.simulator.scan_code("oLi", address).reply_text
    assert kiosk.scans() == (0, 0)


@pytest.mark.parametrize("scene", ["appeal_", "appeal_x", "appeal_99999999999999999999999", "appeal_٣"])
def test_a_made_up_scene_breaks_nothing(kiosk: Kiosk, scene: str) -> None:
    kiosk.simulator.new_person("oLi", "Li")
    delivery = kiosk.simulator.scan("oLi", scene)
    assert delivery.reply_text
    assert delivery.violations == ()
    assert kiosk.scans() == (0, 0)


def test_the_sheet_to_print_carries_the_pages_address(kiosk: Kiosk) -> None:
    path = f"/a/{kiosk.appeal}/poster"
    sheet = kiosk.stage.client.get(path)
    assert sheet.status_code == 200
    assert sheet.headers["Cache-Control"] == "public, max-age=60"
    link = f"{kiosk.stage.settings.public_url.rstrip('/')}/a/{kiosk.appeal}"
    assert str(drawn(link)) in sheet.text
    assert not re.search(r"1[3-9]\d{9}", sheet.text)
    closed(kiosk.stage, kiosk.appeal)
    kiosk.stage.app.extensions["bangfu"]["kept_pages"].clear()
    assert kiosk.stage.client.get(path).status_code == 410
    assert kiosk.stage.client.get("/a/999/poster").status_code == 404


@in_a_browser
def test_the_code_and_the_sheet_are_for_everybody(kiosk: Kiosk) -> None:
    kiosk.make()
    with examining(kiosk.stage) as examine:
        examine(f"/a/{kiosk.appeal}", "public/appeal", name="public-appeal-code")
        examine(f"/a/{kiosk.appeal}/poster", "public/poster")
