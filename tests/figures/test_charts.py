"""The charts on the pages of figures: served by us alone, where there is script, with the table's own numbers."""

import gzip
import json
import re
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.simulator.serving import serving
from bot.web.scripts import ECHARTS
from config.settings import ROOT
from tests.harness.pages.examining import in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, shoot
from tests.harness.stage import Stage
from tests.scenes.registrations import count_many, register_many

DAOXIAN = "431124000000"
# June is hidden in the county, and what it could be subtracted from.
COUNTS = {"01": 40, "02": 38, "03": 25, "04": 31, "05": 52, "06": 3, "07": 61, "08": 75, "09": 58, "10": 90, "11": 84}
MONTHS = {f"r431124101000_2026{month}": count for month, count in COUNTS.items()}
MONTHS |= {f"r430524101000_2026{month}": 30 for month in COUNTS}
# Notes what is given to ECharts.
NOTING = """
let given;
window.drawn = [];
Object.defineProperty(window, "echarts", {
  get: () => given,
  set(own) {
    given = { init(...how) { const chart = own.init(...how); window.drawn.push(chart); return chart; } };
  },
});
"""


def scripts_of(page: str) -> list[str]:
    name = r'"(/scripts/[a-z]+-[0-9a-f]{16}\.js)"'
    return [
        path for both in re.findall(f"<script src={name} data-library={name} defer></script>", page) for path in both
    ]


def test_the_committed_file_is_the_one_that_is_pinned() -> None:
    """As .ci/charts/build makes it; with its licences."""
    lines = (ROOT / ".ci/charts/sha256sums").read_text(encoding="utf-8").splitlines()
    pinned = {name: digest for digest, name in (line.split() for line in lines)}
    folder = ECHARTS.parent
    assert {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} == pinned
    assert {"LICENSE", "NOTICE", "echarts.min.js"} <= set(pinned)
    version = json.loads((ROOT / ".ci/charts/package.json").read_text(encoding="utf-8"))["dependencies"]["echarts"]
    assert ECHARTS.read_text(encoding="utf-8").startswith(f"/*! Apache ECharts {version}, ")
    locked = json.loads((ROOT / ".ci/charts/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert locked["node_modules/echarts"]["version"] == version


def test_a_page_with_charts_names_its_scripts_and_allows_no_others(stage: Stage) -> None:
    register_many(stage, **MONTHS)
    answer = stage.client.get(f"/numbers/{DAOXIAN}")
    page = answer.get_data(as_text=True)
    assert (len(scripts_of(page)), page.count("<script")) == (2, 1)
    assert answer.headers["Content-Security-Policy"].count("script-src 'self'") == 1
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    [box] = re.findall(r'<div class="chart" data-figures="([^"]+)"', page)
    assert box == "registered_resident", "of nothing else is there anything to draw"
    assert len(answer.data) < 100_000


def test_the_scripts_are_kept_for_good_and_packed_for_who_takes_it(stage: Stage) -> None:
    register_many(stage, **MONTHS)
    for path in scripts_of(stage.client.get(f"/numbers/{DAOXIAN}").get_data(as_text=True)):
        plain = stage.client.get(path)
        assert "immutable" in plain.headers["Cache-Control"]
        assert (plain.mimetype, plain.headers["X-Content-Type-Options"]) == ("text/javascript", "nosniff")
        assert sha256(plain.data).hexdigest()[:16] in path
        packed = stage.client.get(path, headers={"Accept-Encoding": "gzip, br"})
        assert gzip.decompress(packed.data) == plain.data
        assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in stage.client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers
    gone = stage.client.get("/scripts/charts-0123456789abcdef.js")
    assert (gone.status_code, gone.headers["Cache-Control"]) == (404, "no-store")


def shift(page: Page) -> Any:
    """How far the page moved since it was opened."""
    seen = "new PerformanceObserver(list => window.moved = list.getEntries().reduce((sum, one) => sum + one.value, 0))"
    page.evaluate(f"() => {{ window.moved = 0; {seen}.observe({{ type: 'layout-shift', buffered: true }}); }}")
    page.wait_for_timeout(300)
    return page.evaluate("window.moved")


def opened(browser: Browser, root: str, asked: list[str], **settings: Any) -> tuple[Page, list[str]]:
    """The county's page, and what the browser complained of."""
    page = browser.new_context(**settings).new_page()
    complaints: list[str] = []
    page.add_init_script(NOTING)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{root}/numbers/{DAOXIAN}")
    return page, complaints


@in_a_browser
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_hidden_month_is_a_gap_and_nothing_moves(stage: Stage, size: dict[str, int]) -> None:
    register_many(stage, **MONTHS)
    for figure, share in (("helped", 3), ("helping", 2), ("goods", 4)):
        count_many(stage, figure, **{key: count // share for key, count in MONTHS.items()})
    for figure, fen in (("money_in", 1_234_567), ("money_out", 654_321), ("money_back", 120_000)):
        count_many(stage, figure, **{key: count * fen // 9 for key, count in MONTHS.items()})
    asked: list[str] = []
    rows = json.loads(stage.client.get(f"/numbers/{DAOXIAN}.json").data)["rows"]
    ours = (row for row in rows if (row["region"], row["figure"]) == (DAOXIAN, "registered_resident"))
    shown = {row["month"]: row["amount"] for row in ours}
    with serving(stage.app) as root, chromium() as browser:
        page, complaints = opened(browser, root, asked, viewport=size)
        chart = page.locator(".chart").first
        expect(page.locator(".chart > div > svg")).to_have_count(3)
        assert shift(page) == 0
        option = page.evaluate("window.drawn[0].getOption()")
        points = dict(zip(option["xAxis"][0]["data"], option["series"][0]["data"], strict=True))
        assert points == {month: amount for month, amount in shown.items() if month in points}
        assert points["2026-06"] is None
        assert option["series"][0]["connectNulls"] is False
        assert page.locator(".charts").get_attribute("aria-hidden") == "true"
        shoot(page, f"charts-{size['width']}", whole=True)
        page.emulate_media(color_scheme="dark")
        shoot(page, f"charts-{size['width']}-dark", whole=True)
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        shoot(page, f"charts-{size['width']}-pointed")
        page.emulate_media(media="print")
        expect(chart).to_be_hidden()
        assert complaints == []
    assert all(url.startswith(root) for url in asked)


@in_a_browser
def test_without_script_the_tables_stand_and_there_is_no_hole(stage: Stage) -> None:
    register_many(stage, **MONTHS)
    with serving(stage.app) as root, chromium() as browser:
        page, _ = opened(browser, root, [], java_script_enabled=False)
        expect(page.locator(".charts")).to_be_hidden()
        expect(page.locator("#months")).to_be_visible()


@in_a_browser
def test_a_browser_that_gets_no_charts_does_not_load_the_library(stage: Stage) -> None:
    """As one of before 2023, which knows no ``@media (scripting)``; here it is a page that is printed."""
    register_many(stage, **MONTHS)
    asked: list[str] = []
    with serving(stage.app) as root, chromium() as browser:
        page = browser.new_page()
        page.emulate_media(media="print")
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{root}/numbers/{DAOXIAN}", wait_until="networkidle")
    assert [url for url in asked if "/scripts/charts-" in url]
    assert not [url for url in asked if "/scripts/echarts-" in url]
