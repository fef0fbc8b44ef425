"""Everybody reads a listing's page: what an officer approved of its photos, how it is ordered, and nobody's name."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import ViewportSize, expect
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.simulator.serving import serving
from bot.web.public.appeal import MAX_AGE
from bot.web.public.kept import KEPT_FOR
from models.core.state_machine import Actor
from models.market.listing import MACHINE, Listing
from models.market.lots.lot import lot_of
from models.notifications.notification import Notification
from models.people.user import User
from models.public.album import LISTINGS
from models.public.appeal_code import LASTS, keep_code, owed_codes
from models.public.appeal_code import LISTINGS as CODES
from models.public.photo_review import OwnerTookDown, may_decide
from models.public.photos import file_name
from models.staff.member import Staff
from models.staff.pictures_opened import PicturesNotOpened
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.listing import Stall
from tests.scenes.listing import stall as stall


def told(stage: Stage, kind: str) -> int:
    with Database(stage.database) as db:
        return len(db.scalars(select(Notification).where(Notification.template == kind)).all())


def test_everybody_reads_what_it_is_and_how_it_is_ordered(stall: Stall) -> None:
    page = stall.stage.client.get(f"/l/{stall.listing}")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == f"public, max-age={int(MAX_AGE.total_seconds())}"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert (
        stall.stage.client.get(f"/l/{stall.listing}", headers={"If-None-Match": page.headers["ETag"]}).status_code
        == 304
    )
    for words in (
        "脐橙",
        "¥3.50 一斤",
        "还有 200 斤",
        "现货",
        f"买 {stall.listing} 20斤",
        "钱直接给卖家",
        "不能无理由退",
        "个人销售自产农副产品，依法不需要办理市场主体登记",
    ):
        assert words in page.text, words
    with Database(stall.stage.database) as db:
        seller = db.get_one(User, stall.seller)
        for private in (seller.name, seller.phone, seller.id_number):
            assert private
            assert private not in page.text


def test_a_harvest_to_come_names_its_days_and_what_keeps_may_go_back(stall: Stall) -> None:
    day = (stall.stage.clock() + timedelta(days=30)).date()
    number = stall.sell("红薯干", ripe=day)
    page = stall.stage.client.get(f"/l/{number}").text
    for when in (day, day + timedelta(days=45)):
        assert f"{when.year}年{when.month}月{when.day}日" in page
    assert "现货" not in page
    assert "可以无理由退" in page
    assert "不能无理由退" not in page
    # While it is picked, and its seller has not said how much there is, nobody orders.
    with Database(stall.stage.database) as db, db.begin():
        lot = lot_of(db, number)
        assert lot is not None
        lot.state = "locked"
    stall.change()
    page = stall.stage.client.get(f"/l/{number}").text
    assert "先不接新的订单" in page
    assert "回复要多少" not in page


def test_a_photo_is_shown_once_an_officer_approved_it_in_two_sizes_without_more(stall: Stall) -> None:
    assert "<picture>" not in stall.stage.client.get(f"/l/{stall.listing}").text
    with pytest.raises(PicturesNotOpened):
        stall.approve(stall.photos[0], opens=False)
    stall.approve(stall.photos[0])
    stall.change()
    page = stall.stage.client.get(f"/l/{stall.listing}").text
    addresses = set(re.findall(rf"/l/{stall.listing}/photos/[0-9a-f]{{32}}-\d+\.(?:webp|jpg)", page))
    assert addresses
    for address in addresses:
        answer = stall.stage.client.get(address)
        assert answer.status_code == 200
        assert b"Exif" not in answer.data
    # Another listing, or an appeal of that number, has none of them.
    [photo] = stall.shown()
    file = file_name(photo.name, photo.sizes[0][0], "jpeg")
    other = stall.sell("蜂蜜", "bottle")
    assert stall.stage.client.get(f"/l/{other}/photos/{file}").status_code == 404
    assert stall.stage.client.get(f"/a/{stall.listing}/photos/{file}").status_code == 404


def test_its_seller_takes_the_photos_down_for_good_with_one_word(stall: Stall) -> None:
    stall.approve(stall.photos[0])
    assert told(stall.stage, "listing_photos_public") == 1
    assert "1 张照片撤下来了" in stall.stage.say("o-seller", "撤下照片")
    assert stall.sweep()
    assert stall.files_there() == []
    stall.change()
    assert "<picture>" not in stall.stage.client.get(f"/l/{stall.listing}").text
    with pytest.raises(OwnerTookDown):
        stall.approve(stall.photos[0])
    # Who neither sells it nor is an officer of the place takes nothing down.
    stall.approve(stall.photos[1])
    stall.stage.register("o-other", "donor")
    assert "撤下来" not in stall.stage.say("o-other", f"撤下照片 集市{stall.listing}")
    assert len(stall.shown()) == 1


def test_who_sells_it_decides_on_none_of_its_photos(stall: Stall) -> None:
    seat = stall.stage.appoint("o-seller", "village", DAOXIAN_MEIHUA)
    with Database(stall.stage.database) as db:
        assert not may_decide(db, db.get_one(Staff, seat), stall.listing, LISTINGS)
        assert may_decide(db, stall.officer_of(db), stall.listing, LISTINGS)


def test_what_is_taken_down_stopped_or_erased_has_no_page_and_what_is_sold_out_says_so(stall: Stall) -> None:
    stall.approve(stall.photos[0])
    [photo] = stall.shown()
    picture = f"/l/{stall.listing}/photos/{file_name(photo.name, photo.sizes[0][0], 'jpeg')}"
    get, path = stall.stage.client.get, f"/l/{stall.listing}"
    stall.change(state="sold_out")
    assert "卖完了" in get(path).text
    assert "回复要多少" not in get(path).text
    stall.change(state="submitted", looked_at=None)
    assert (get(path).status_code, get(picture).status_code) == (410, 404)
    stall.change(state="on_sale", looked_at=stall.stage.clock())
    assert (get(path).status_code, get(picture).status_code) == (200, 200)
    with Database(stall.stage.database) as db, db.begin():
        db.get_one(User, stall.seller).state = "erased"
    stall.change()
    assert (get(path).status_code, get(picture).status_code) == (410, 404)
    for never in ("/l/99", "/l/0", "/l/x", f"/l/0{stall.listing}"):
        assert get(never).status_code == 404


def test_a_page_that_closes_is_gone_after_some_seconds(stall: Stall) -> None:
    path = f"/l/{stall.listing}"
    assert stall.stage.client.get(path).status_code == 200
    with Database(stall.stage.database) as db, db.begin():
        listing = db.get_one(Listing, stall.listing)
        MACHINE.move(db, listing, "withdrawn", Actor.owner(stall.seller), stall.stage.clock())
    assert stall.stage.client.get(path).status_code == 200
    stall.stage.clock.move(KEPT_FOR)
    assert stall.stage.client.get(path).status_code == 410


def test_the_page_shows_the_accounts_code_which_opens_the_listing(stall: Stall) -> None:
    now = stall.stage.clock()
    with Database(stall.stage.database) as db, db.begin():
        assert stall.listing in owed_codes(db, now, 9, CODES)
        keep_code(db, stall.listing, "http://weixin.qq.com/q/1", now + LASTS, CODES)
        assert stall.listing not in owed_codes(db, now, 9, CODES)
    assert 'class="code"' in stall.stage.client.get(f"/l/{stall.listing}").text


@in_a_browser
def test_the_page_is_for_everybody(stall: Stall) -> None:
    for photo in stall.photos:
        stall.approve(photo)
    now = stall.stage.clock()
    with Database(stall.stage.database) as db, db.begin():
        keep_code(db, stall.listing, "http://weixin.qq.com/q/1", now + LASTS, CODES)
    day = (now + timedelta(days=30)).date()
    waits = stall.sell("红薯干", ripe=day)
    with examining(stall.stage) as examine:
        examine(f"/l/{stall.listing}", "market/listing")
        examine(f"/l/{waits}", "market/listing", name="listing_to_be_picked")
        examine("/l/99", "market/listing_gone", status=404)
        stall.change(state="sold_out")
        examine(f"/l/{stall.listing}", "market/listing", name="listing_sold_out")


@pytest.mark.slow  # a browser, in all four ways to read it
@in_a_browser
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_with_and_without_script_it_is_read_and_its_photos_are_there(
    stall: Stall, size: dict[str, int], script: bool
) -> None:
    stall.approve(stall.photos[0])
    complaints: list[str] = []
    with serving(stall.stage.app) as root, chromium() as browser:
        page = browser.new_page(viewport=ViewportSize(**size), java_script_enabled=script)  # type: ignore[typeddict-item]
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{root}/l/{stall.listing}", wait_until="networkidle")
        expect(page.locator("h1")).to_have_text("脐橙")
        expect(page.locator(".say")).to_have_text(f"买 {stall.listing} 20斤")
        picture = page.locator(".pictures img")
        expect(picture).to_have_count(1)
        box = picture.bounding_box()
        assert box is not None
        assert 100 < box["width"] <= size["width"]
    assert complaints == []
