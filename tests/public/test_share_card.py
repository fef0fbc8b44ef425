"""WeChat's sharing card of an appeal's page: signed for that page's own addresses alone, and nothing outside WeChat."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from redis import Redis
from sqlalchemy.orm import Session as Database

from bot.simulator.app import create_simulator
from bot.simulator.options import Person
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.web.public.share import MOST_SIGNED
from models.appeals.appeal import Appeal
from models.core.state_machine import Actor
from models.market.listing import Listing
from models.market.submission import NewListing
from models.people.user import User
from models.public.appeal_page import close
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, pick, shoot
from tests.harness.simulator.echo_bot import MENU
from tests.harness.simulator.in_process import OPTIONS, RunningSimulator
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import sold
from tests.scenes.pages import agreed, read
from tests.scenes.public_photos import Album

# What WeChat adds to the address that a person shared.
ADDED = "?from=singlemessage&isappinstalled=0"


@dataclass
class Signing:
    stage: Stage
    simulator: Simulator
    number: int

    @property
    def page(self) -> str:
        return f"{self.stage.settings.public_url}/a/{self.number}"

    def ask(self, address: str, number: int | str = 0, **headers: str) -> Any:
        query = urlencode({"url": address})
        return self.stage.client.get(f"/a/{number or self.number}/card?{query}", headers=headers)


@pytest.fixture(autouse=True)
def nothing_is_counted(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    redis.delete("none", *redis.keys("bangfu:tries:share:*"))


@pytest.fixture
def signing(stage: Stage, redis_url: str, run_simulator: Callable[..., RunningSimulator]) -> Signing:
    app_id = f"wx{uuid4().hex[:16]}"  # its own ticket in Redis
    wechat = run_simulator(app_id=app_id)
    stage.reopen(wechat_api_url=wechat.url, redis_url=redis_url, wechat_app_id=app_id)
    return Signing(stage, wechat.simulator, agreed(stage, stage.open_appeal()))


@pytest.mark.parametrize("added", ["", ADDED])
def test_a_page_is_signed_for_the_address_it_stands_at(signing: Signing, added: str) -> None:
    answer = signing.ask(signing.page + added)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    given = answer.get_json()
    signed = given["signature"], given["nonceStr"], str(given["timestamp"])
    assert signing.simulator.tickets.verify(*signed, signing.page + added)
    assert not signing.simulator.tickets.verify(*signed, f"{signing.page}{added}&more=1")
    assert given["appId"] == signing.stage.settings.wechat_app_id


def test_no_other_address_is_signed(signing: Signing) -> None:
    root, page, other = signing.stage.settings.public_url, signing.page, signing.number + 1
    for address in (
        *("", root, f"{root}/", f"{root}/a/{other}", f"{page}0", f"{page}/poster", f"{page}/card", f"{page}/?from=x"),
        *(f"https://elsewhere.example/a/{signing.number}", f"{page}?a=b#c", f"{page}#c", f"{page}?a=b c", f"{page}?\n"),
        *(f"{page}?{'a' * 401}", f"{page}@elsewhere.example", page.replace("/a/", "//a/"), f" {page}"),
    ):
        assert signing.ask(address).status_code == 404, address
    assert signing.ask(page, other).status_code == 404
    for said in (f"0{signing.number}", "x", "-1"):
        assert signing.ask(f"{root}/a/{said}", said).status_code == 404


def test_nothing_is_signed_for_a_page_that_is_not_open(signing: Signing) -> None:
    with Database(signing.stage.database) as db, db.begin():
        owner = Actor.owner(db.get_one(Appeal, signing.number).owner_id)
        close(db, signing.number, owner, signing.stage.clock())
    assert signing.ask(signing.page).status_code == 404


def test_a_listings_page_is_signed_too_while_it_is_on_sale(signing: Signing) -> None:
    stage = signing.stage
    seller = stage.register("o-seller", "resident", DAOXIAN_MEIHUA)
    with Database(stage.database) as db, db.begin():
        wanted = NewListing("oranges", "produce", "脐橙", "jin", 350, 100_000, None, None)
        number = sold(db, wanted, db.get_one(User, seller), stage.clock()).id
    page = f"{stage.settings.public_url}/l/{number}"
    path = f"/l/{number}/card?"
    assert stage.client.get(path + urlencode({"url": page + ADDED})).status_code == 200
    for other in (signing.page, f"{page}0", page.replace("/l/", "/a/")):
        assert stage.client.get(path + urlencode({"url": other})).status_code == 404
    with Database(stage.database) as db, db.begin():
        db.get_one(Listing, number).state = "withdrawn"
    assert stage.client.get(path + urlencode({"url": page})).status_code == 404


def test_one_address_gets_so_many_signatures_an_hour(signing: Signing, redis_url: str) -> None:
    assert signing.ask(signing.page).status_code == 200
    redis = Redis.from_url(redis_url)
    [counted] = redis.keys("bangfu:tries:share:*")
    assert redis.get(counted) == b"1"
    redis.set(counted, MOST_SIGNED)
    assert signing.ask(signing.page).status_code == 429


def test_with_wechat_away_the_page_stands_and_nothing_is_signed(stage: Stage) -> None:
    number = agreed(stage, stage.open_appeal())
    address = f"{stage.settings.public_url}/a/{number}"
    assert stage.client.get(f"/a/{number}/card?{urlencode({'url': address})}").status_code == 503
    assert read(stage, number).status_code == 200


def test_the_page_allows_its_own_script_and_wechats_and_no_other(stage: Stage) -> None:
    number = agreed(stage, stage.open_appeal())
    answer = read(stage, number)
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
    wechat = stage.settings.wechat_api_url
    assert (policy["script-src"], policy["connect-src"]) == (f"'self' {wechat}", "'self'")
    assert policy["default-src"] == "'none'"
    [script] = re.findall(r"<script[^>]*>", answer.text)
    assert re.search(r'src="/scripts/share-[0-9a-f]{16}\.js" data-sign="/a/\d+/card" data-sdk="[^"]+" defer>', script)
    assert stage.client.get(re.findall(r'src="([^"]+)"', script)[0]).status_code == 200
    assert "<script" not in read(stage, f"{number}/poster").text


# In a browser, outside of WeChat and inside


@contextmanager
def beside_wechat(stage: Stage, redis_url: str) -> Iterator[tuple[Simulator, str]]:
    """The stage's bot and a simulator at addresses of their own, each knowing the other's; the simulator's is given."""
    with create_server(("127.0.0.1", 0)) as one, create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    bot, wechat = (f"http://127.0.0.1:{port}" for port in ports)
    people, app_id = (Person("oAunt", "秀英", following=True),), f"wx{uuid4().hex[:16]}"
    options = replace(OPTIONS, app_id=app_id, bot_url=f"{bot}/wechat", people=people)
    simulator = Simulator(options)
    simulator.menus.create(MENU)
    stage.reopen(wechat_api_url=wechat, redis_url=redis_url, wechat_app_id=app_id, public_url=bot)
    try:
        with serving(stage.app, ports[0]), serving(create_simulator(options, simulator), ports[1]):
            yield simulator, wechat
    finally:
        simulator.close()


@pytest.fixture
def album(database_url: str, tmp_path: Path) -> Iterator[Album]:
    stage = Stage(database_url)
    yield Album(stage, tmp_path / "media")
    stage.close()


@needs_chromium
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_inside_wechat_the_card_has_the_pages_title_words_picture_and_address(
    album: Album, redis_url: str, size: dict[str, int]
) -> None:
    album.approve(album.pictures[0])
    complaints: list[str] = []
    with beside_wechat(album.stage, redis_url) as (simulator, wechat), chromium() as browser:
        address = f"{album.stage.settings.public_url}/a/{album.appeal}"
        page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(wechat)
        pick(page, "秀英")
        simulator.push("oAunt", "text", {"text": address + ADDED})
        with page.expect_response(lambda answer: "/desk/page" in answer.url):
            page.locator(".bubble a").click()
        inside = page.frame_locator("iframe")

        def said(name: str) -> str | None:
            return inside.locator(f'meta[property="og:{name}"]').get_attribute("content")

        expect(inside.get_by_role("heading", level=1)).to_be_visible()
        forward = page.get_by_role("button", name="How it looks when forwarded")
        forward.click()
        card = page.locator('[data-kind="updateAppMessageShareData"]')
        expect(card.locator("b")).to_have_text(said("title") or "")
        expect(card.locator("p").first).to_have_text(said("description") or "")
        assert card.get_attribute("data-link") == said("url") == address
        picture = card.locator("img")
        assert picture.get_attribute("src") == said("image")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        shoot(page, f"share-card-{size['width']}")
        moments = page.locator('[data-kind="updateTimelineShareData"]')
        expect(moments.locator("b")).to_have_text(said("title") or "")
        assert moments.get_attribute("data-link") == address
    assert complaints == []


@needs_chromium
def test_outside_wechat_nothing_is_asked_and_nothing_loaded_from_elsewhere(album: Album, redis_url: str) -> None:
    album.approve(album.pictures[0])
    asked: list[str] = []
    with beside_wechat(album.stage, redis_url), chromium() as browser:
        root = album.stage.settings.public_url
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{root}/a/{album.appeal}", wait_until="networkidle")
    assert all(url.startswith((f"{root}/", "data:")) for url in asked), asked
    assert any("/scripts/share-" in url for url in asked)
    assert not [url for url in asked if "/card" in url]
