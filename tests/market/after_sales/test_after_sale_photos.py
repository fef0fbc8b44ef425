"""The seller alone opens the photos with which a buyer said what was wrong, while it is open; the buyer reads of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from bot.photos.files import PhotoFiles
from bot.storage.folder import Folder
from models.core.audit_trail import AuditEvent
from models.market.after_sales import answers, asking
from models.market.after_sales.after_sale import NAME
from models.market.after_sales.asking import NewAfterSale
from models.market.after_sales.showing import PURPOSE
from models.people.photo import Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market


@dataclass
class Complaint:
    """An order of which the buyer said, with a photo, that it is spoiled."""

    market: Market
    order: int
    number: int
    photo: int

    def link(self) -> str:
        """The address of the page, from the seller's view of the order."""
        said = self.market.stage.say("o-seller", f"订单 {self.market.read(self.order).code}")
        found = re.search(r"http\S+/order-photos/\S+", said)
        assert found is not None
        assert "买的人拍的照片 1 张" in said
        return urlsplit(found[0]).path

    def photos_on(self, page: str) -> list[str]:
        return re.findall(r'src="(/order-photo/[^"]+)"', page)

    def looks(self) -> list[tuple[str, int | None]]:
        with self.market.session() as db:
            found = select(AuditEvent.actor, AuditEvent.about).where(AuditEvent.detail == PURPOSE)
            return [(row.actor, row.about) for row in db.execute(found)]


@pytest.fixture
def complaint(market: Market, tmp_path: Path) -> Complaint:
    stage = market.stage
    stage.reopen(media_dir=str(tmp_path))
    order = market.order(market.sell(100 * JIN), 2 * JIN)
    market.send(order)
    market.got(order)
    with market.session() as db:
        wanted = NewAfterSale("spoiled", "spoiled", "all", None)
        number = asking.ask(db, market.people["buyer"], order, wanted, stage.clock()).id
        photo = Photo(subject=NAME, subject_id=number, media_id="m", pic_url="", state="owed", created_at=stage.clock())
        db.add(photo)
        db.flush()
        photo.state, photo.path = "kept", PhotoFiles(Folder(tmp_path)).write(f"{photo.id}.jpg", jpeg(scene(1)))
    return Complaint(market, order, number, photo.id)


def test_the_seller_sees_the_photo_and_the_buyer_that_they_looked(complaint: Complaint) -> None:
    stage, people = complaint.market.stage, complaint.market.people
    link = complaint.link()
    page = stage.browse("o-seller", link)
    assert page.status_code == 200
    assert "坏了、烂了" in page.text
    (address,) = complaint.photos_on(page.text)
    photo = stage.browse("o-seller", address)
    assert (photo.status_code, photo.mimetype, photo.data) == (200, "image/jpeg", jpeg(scene(1)))
    assert complaint.looks() == [(f"user:{people['seller']}", people["buyer"])]
    said = stage.say("o-buyer", "谁看过我")
    assert "卖家，为了看您拍的照片" in said
    assert "售后 1 号" in said
    # A program that fetches it before anybody looks is shown nothing, and leaves no look.
    assert stage.client.get(link, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert len(complaint.looks()) == 1


def test_nobody_else_opens_it_and_nobody_once_it_is_over(complaint: Complaint) -> None:
    market = complaint.market
    link = complaint.link()
    (address,) = complaint.photos_on(market.stage.browse("o-seller", link).text)
    market.buyer("other")
    for name in ("other", "buyer"):
        page = market.stage.browse(f"o-{name}", link)
        assert page.status_code == 302
        assert market.stage.browse(f"o-{name}", address).status_code == 403
    with market.session() as db:
        answers.say(db, market.people["buyer"], complaint.order, "withdraw", market.stage.clock())
    gone = market.stage.browse("o-seller", link)
    assert gone.status_code == 410
    assert "办完了" in gone.text
    assert market.stage.browse("o-seller", address).status_code == 404
    assert len(complaint.looks()) == 1
    said = market.stage.say("o-seller", f"订单 {market.read(complaint.order).code}")
    assert "order-photos" not in said


@in_a_browser
def test_the_page_is_for_everybody(complaint: Complaint) -> None:
    path = complaint.link()
    with examining(complaint.market.stage, visitor="o-seller") as examine:
        examine(path, "market/after_sale_photos")
        examine(f"{path}x", "market/after_sale_photos_gone", status=403)
