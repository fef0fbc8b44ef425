"""The page of thanks: the donor alone opens it by the link of a reply, with the photos that the household sent."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from bot.photos.files import PhotoFiles
from bot.storage.folder import Folder
from models.goods.matches.thanks import GoodsThanks
from models.people.photo import Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

WORDS = "棉被收到了，很暖和，谢谢您"


@pytest.fixture
def files(handover: Handover, tmp_path: Path) -> PhotoFiles:
    """A bot with a folder of photos, and thanks of Wang's with one photo that an officer passed."""
    stage = handover.stage
    stage.reopen(media_dir=str(tmp_path))
    files = PhotoFiles(Folder(tmp_path))
    handover.open_point()
    stage.appoint("o-village", "village", DAOXIAN_MEIHUA)
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "collected")
    for words in ("感谢", "1", WORDS):
        handover.say("wang", words)
    status, _ = stage.deliver(wechat.message("image", "o-wang", PicUrl="http://127.0.0.1/1.jpg", MediaId="media-1"))
    assert status == 200
    for words in ("完成", "确认"):
        handover.say("wang", words)
    with handover.session() as db:
        photo = db.scalars(select(Photo).where(Photo.subject == "goods_thanks")).one()
        photo.state, photo.path = "kept", files.write(f"{photo.id}.jpg", jpeg(scene(photo.id)))
    return files


def link_of(handover: Handover) -> str:
    """The address of the page, from the reply to the donor."""
    found = re.search(r"http\S+/thanks/\S+", handover.say("qin", "看 谢意1"))
    assert found is not None
    return urlsplit(found[0]).path


def pass_them(handover: Handover) -> None:
    """An officer opens the photos, which they must, and passes the thanks."""
    said = handover.say("village", "看 谢意1")
    link = re.search(r"http\S+/pictures/\S+", said)
    assert link is not None
    assert "发给送的人了" not in handover.say("village", "通过 谢意1")
    assert handover.stage.browse("o-village", link[0]).status_code == 200
    assert "发给送的人了" in handover.say("village", "通过 谢意1")


def photos_on(page: str) -> list[str]:
    return re.findall(r'src="(/thanks-photo/[^"]+)"', page)


def test_the_donor_opens_the_page_and_its_photos(handover: Handover, files: PhotoFiles) -> None:
    pass_them(handover)
    page = handover.stage.browse("o-qin", link_of(handover))
    assert page.status_code == 200
    assert WORDS in page.text
    assert "新棉被" in page.text
    assert "王" not in page.text
    (address,) = photos_on(page.text)
    photo = handover.stage.browse("o-qin", address)
    assert (photo.status_code, photo.mimetype) == (200, "image/jpeg")
    assert photo.data == jpeg(scene(1))


def test_the_donors_link_opens_for_nobody_else(handover: Handover, files: PhotoFiles) -> None:
    pass_them(handover)
    link = link_of(handover)
    (address,) = photos_on(handover.stage.browse("o-qin", link).text)
    handover.donor("other")
    for name in ("other", "wang", "village"):
        page = handover.stage.browse(f"o-{name}", link)
        # Whoever is not the donor is asked by WeChat who they are.
        assert page.status_code == 302
        assert WORDS not in page.text
        assert handover.stage.browse(f"o-{name}", address).status_code == 403


def test_what_no_officer_passed_and_what_was_erased_is_not_shown(handover: Handover, files: PhotoFiles) -> None:
    assert WORDS not in handover.say("qin", "看 谢意1")
    pass_them(handover)
    link = link_of(handover)
    with handover.session() as db:
        db.get_one(GoodsThanks, 1).words = ""
    page = handover.stage.browse("o-qin", link)
    assert "那户人家的话收回了" in page.text
    assert photos_on(page.text) == []
    assert "没有这一条谢意" in handover.say("qin", "看 谢意1")


@in_a_browser
def test_the_page_is_for_everybody(handover: Handover, files: PhotoFiles) -> None:
    pass_them(handover)
    path = link_of(handover)
    with examining(handover.stage, visitor="o-qin") as examine:
        examine(path, "goods/thanks")
        examine(f"{path}x", "goods/thanks_gone", status=403)
