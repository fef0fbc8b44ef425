"""The page at the root: what it says to everybody, where its links lead, and how it looks on a phone and at a desk."""

import re

from bot.app import create_app
from bot.log import configure_logging
from bot.simulator.serving import serving
from config.settings import Environment
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, shoot
from tests.harness.stage import Stage
from tests.harness.statements import statements


def test_it_says_what_this_is_and_how_one_comes_in(stage: Stage) -> None:
    answer = stage.client.get("/")
    assert answer.status_code == 200
    shown = answer.get_data(as_text=True)
    for words in ("微信公众号", "点“关注”", "不收一分钱", "回复“人工”", "公示 5 天"):
        assert words in shown
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers


def test_every_link_on_it_opens_and_leads_into_the_house(stage: Stage) -> None:
    links = re.findall('href="([^"]*)"', stage.client.get("/").get_data(as_text=True))
    ours = [link for link in links if link != "data:,"]
    assert ours == ["/notices", "/ledger", "/trace", "/numbers"]
    for link in ours:
        assert stage.client.get(link).status_code == 200, link


def test_it_asks_the_database_nothing_so_that_a_crowd_costs_nothing(stage: Stage) -> None:
    with statements(stage.app.extensions["bangfu"]["turns"].database) as asked:
        assert stage.client.get("/").status_code == 200
    assert asked == []


def test_it_is_there_in_production_too_and_no_frame_may_hold_it(stage: Stage) -> None:
    settings = stage.settings.model_copy(update={"bangfu_env": Environment.PRODUCTION})
    app = create_app(settings)
    answer = app.test_client().get("/")
    app.extensions["bangfu"]["turns"].database.dispose()
    configure_logging(json=False)
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "X-Robots-Tag" not in answer.headers


@needs_chromium
def test_it_fits_a_phone_and_a_desk(stage: Stage) -> None:
    with serving(stage.app) as address, chromium() as browser:
        for size in (PHONE, DESK):
            page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.get_by_role("link", name="看公示").is_visible()
            shoot(page, f"home-{size['width']}")


@in_a_browser
def test_it_is_for_everybody(stage: Stage) -> None:
    with examining(stage) as examine:
        examine("/", "public/home")
