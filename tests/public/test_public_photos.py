"""The photos that anybody may load: approved ones alone, without what the file told, and none a moment too long."""

import io
import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from bot.photos.public_copies import draw_copies
from bot.photos.stray_files import STRAY_AFTER
from bot.work.clock import true_now
from models.appeals.appeal import Appeal, freeze
from models.core.state_machine import Actor, By
from models.outreach.update import Update
from models.people.photo import Photo
from models.public import photo_review
from models.public.appeal_page import close
from models.public.photos import RECHECKED, RETRIED, PhotoReview, file_name, recheck, sizes_of
from models.staff.member import Staff
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.processes.worker_desk import Desk
from tests.harness.processes.workers import until
from tests.harness.stage import Stage
from tests.scenes.pages import agreed
from tests.scenes.public_photos import Album


@pytest.fixture
def album(database_url: str, tmp_path: Path) -> Iterator[Album]:
    stage = Stage(database_url)
    yield Album(stage, tmp_path / "media")
    stage.close()


def _move(album: Album, **values: object) -> None:
    with Database(album.stage.database) as db, db.begin():
        db.execute(update(Appeal).where(Appeal.id == album.appeal).values(**values))


def _close(album: Album) -> None:
    with Database(album.stage.database) as db, db.begin():
        owner = Actor.owner(db.get_one(Appeal, album.appeal).owner_id)
        close(db, album.appeal, owner, album.stage.clock())


def _take_down(album: Album, staff: int | None) -> list[int]:
    with Database(album.stage.database) as db, db.begin():
        officer = db.get_one(Staff, staff) if staff else None
        return photo_review.take_down(db, officer, album.appeal, album.stage.clock())


# How a photo that is approved stops being shown, each without a word to its copies.
STOPS: dict[str, Callable[[Album], object]] = {
    "frozen": lambda album: _move(album, state="frozen", was="funding"),
    "cancelled": lambda album: _move(album, state="cancelled"),
    "hidden": lambda album: _move(album, hidden_at=album.stage.clock()),
    "page closed": _close,
    "gone": lambda album: album.change(album.pictures[0], state="gone"),
    "taken down": lambda album: _take_down(album, None),
}


def test_an_approved_photo_is_sent_in_both_forms_and_no_other(album: Album) -> None:
    review = album.approve(album.pictures[0])
    (photo,) = album.shown()
    assert photo.sizes == [(640, 480), (900, 675)], "never larger than what was sent"
    assert len(album.files_there()) == 4
    for kind, mimetype in (("webp", "image/webp"), ("jpeg", "image/jpeg")):
        for size in photo.sizes:
            answer = album.load(file_name(photo.name, size[0], kind))
            assert (answer.status_code, answer.mimetype) == (200, mimetype)
            assert answer.headers["Cache-Control"] == "public, max-age=300, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "noindex" in answer.headers["X-Robots-Tag"]
            with Image.open(io.BytesIO(answer.data)) as picture:
                assert (picture.size, picture.format) == (size, kind.upper())
            again = album.load(file_name(photo.name, size[0], kind), If_None_Match=answer.headers["ETag"])
            assert (again.status_code, again.data) == (304, b"")
    with Database(album.stage.database) as db:
        assert db.get_one(PhotoReview, review).second_answer == "no_child"


def test_what_nobody_approved_and_what_is_made_up_is_404(album: Album) -> None:
    album.approve(album.pictures[0])
    name = album.shown()[0].name
    other = album.stage.open_appeal()
    assert album.load(f"{name}-640.webp", other).status_code == 404
    made_up = ("0" * 32 + "-640.webp", f"{name}-641.webp", f"{name}-640.png", f"{name}-640.webp.sealed", name, "1.jpg")
    for file in (*made_up, f"..%2f{album.pictures[1]}.jpg.sealed", f"{name.upper()}-640.webp"):
        assert album.load(file).status_code == 404
    assert album.stage.client.get(f"/a/{10**30}/photos/{name}-640.webp").status_code == 404
    assert len(album.shown()) == 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize("why", STOPS)
def test_what_may_not_be_shown_is_404_at_once_and_its_file_is_gone_after_the_sweep(album: Album, why: str) -> None:
    album.approve(album.pictures[0])
    file = f"{album.shown()[0].name}-640.webp"
    assert album.load(file).status_code == 200
    STOPS[why](album)
    assert album.load(file).status_code == 404
    assert album.shown() == []
    album.stage.clock.move(RECHECKED)
    assert album.sweep()
    assert album.files_there() == []
    album.stage.clock.move(RECHECKED)
    assert bool(album.sweep()) is (why in ("frozen", "page closed")), "what never comes back is looked at no more"


def test_a_freeze_has_their_files_deleted_with_the_next_sweep(album: Album) -> None:
    review = album.approve(album.pictures[0])
    with Database(album.stage.database) as db, db.begin():
        freeze(db, db.get_one(Appeal, album.appeal), Actor(By.COUNTY, "staff:0"), album.stage.clock(), "doubt")
    assert album.sweep() == [review]
    assert album.files_there() == []


def test_after_a_freeze_they_come_back_under_the_rule_that_let_them_in(album: Album) -> None:
    album.approve(album.pictures[0])
    STOPS["frozen"](album)
    album.stage.clock.move(RECHECKED)
    album.sweep()
    _move(album, state="funding", was=None)
    assert album.shown() == []
    with Database(album.stage.database) as db, db.begin():
        recheck(db, album.appeal, album.stage.clock())
    album.sweep()
    assert album.load(f"{album.shown()[0].name}-640.jpg").status_code == 200


def test_copies_follow_the_page_as_its_owner_closes_it_and_agrees_again(album: Album) -> None:
    review = album.approve(album.pictures[0])
    _close(album)
    assert album.sweep() == [review]
    assert album.files_there() == []
    agreed(album.stage, album.appeal)
    assert album.sweep() == [review]
    assert len(album.shown()) == 1


def test_a_job_that_was_lost_is_found_and_not_asked_for_twice_at_once(album: Album) -> None:
    review = album.approve(album.pictures[0], job=False)
    assert album.shown() == []
    assert album.sweep() == [review]
    assert len(album.shown()) == 1
    album.stage.clock.move(RETRIED)
    assert album.sweep() == []
    for file in (album.folder / "public").rglob("*.webp"):
        file.unlink()  # the folder of copies is in no backup
    album.stage.clock.move(RECHECKED)
    assert album.sweep() == [review]
    assert len(album.files_there()) == 4


def test_what_a_killed_job_left_goes_and_what_is_shown_stays(album: Album) -> None:
    album.approve(album.pictures[0])
    there = album.files_there()
    stray = album.folder / "public" / "007" / f"{'ab' * 16}-640.webp"
    album.copies.storage.write("007/" + stray.name, b"left behind")
    for file in (stray, *(album.folder / "public").rglob("*.jpg")):
        written = (true_now() - STRAY_AFTER - timedelta(minutes=1)).timestamp()
        os.utime(file, (written, written))
    assert album.copies.sweep_strays(true_now()) == 1
    assert album.files_there() == there


def test_a_photo_whose_owner_is_erased_leaves_no_copy(album: Album) -> None:
    album.approve(album.pictures[0])
    album.change(album.pictures[0], state="gone")
    album.copies.forget(album.pictures[0])
    assert album.files_there() == []


def test_photos_of_an_update_are_shown_once_it_is_published(album: Album) -> None:
    with Database(album.stage.database) as db, db.begin():
        told = Update(draft_id="u", appeal_id=album.appeal, words="路修好了", created_at=album.stage.clock())
        db.add(told)
        db.flush()
        number = told.id
    photo = album.keep("update", number)
    with pytest.raises(photo_review.NoSuchPhoto):
        album.approve(photo)
    for state, shown in (("published", 1), ("withdrawn", 0)):
        with Database(album.stage.database) as db, db.begin():
            db.get_one(Update, number).state = state
        if shown:
            album.approve(photo)
        assert [one.kind for one in album.shown()] == ["progress"] * shown


def test_where_a_photo_was_taken_goes_in_and_does_not_come_out(desk: Desk, database_url: str) -> None:
    """A real file from the simulator of WeChat, through the jobs of the worker, to the address that anybody loads."""
    exif = Image.Exif()
    exif[0x010F] = "MakerOfThePhone"
    exif.get_ifd(0x8825).update({1: "N", 2: (25.0, 31.0, 12.0), 3: "E", 4: (111.0, 36.0, 0.0)})
    sent = io.BytesIO()
    Image.new("RGB", (2000, 1500), "orange").save(sent, "JPEG", exif=exif, comment=b"SaidInTheFile")
    assert b"MakerOfThePhone" in sent.getvalue()
    stage = Stage(database_url)
    album = Album(stage, desk.folder)
    photo = desk.fetched(sent.getvalue())
    album.change(photo.id, subject_id=album.appeal)
    review = album.approve(photo.id, job=False)
    desk.context.run_job("publish_photo", review)
    (shown,) = album.shown()
    assert shown.sizes == [(640, 480), (1280, 960)]
    for file in album.files_there():
        data = album.load(file).data
        assert not any(word in data for word in (b"MakerOfThePhone", b"SaidInTheFile", b"Exif", b"EXIF", b"ICC"))
        with Image.open(io.BytesIO(data)) as picture:
            assert not picture.getexif()
            assert "comment" not in picture.info
    album.change(photo.id, state="gone")
    desk.context.run_job("forget_photo", photo.id)
    assert album.files_there() == []
    stage.close()


@given(st.integers(1, 4_000), st.integers(1, 4_000))
def test_a_copy_is_never_larger_than_its_picture_and_keeps_its_shape(width: int, height: int) -> None:
    sizes = sizes_of(width, height)
    assert sizes == sorted(set(sizes))
    for wide, high in sizes:
        assert wide <= width
        assert 1 <= high <= max(height, 1)
        assert abs(high * width - wide * height) <= width or high == 1


def test_two_copies_of_one_picture_have_names_that_say_nothing() -> None:
    content = io.BytesIO()
    Image.new("RGB", (50, 40)).save(content, "JPEG")
    copies, size = draw_copies("ab" * 16, content.getvalue())
    assert size == (50, 40)
    assert sorted(path.partition("/")[2] for path in copies) == [f"{'ab' * 16}-50.jpg", f"{'ab' * 16}-50.webp"]


def test_the_gallery_says_what_kind_of_photo_it_is_and_nobodys_name(album: Album) -> None:
    album.approve(album.pictures[0])
    env = album.stage.app.extensions["bangfu"]["turns"].renderer.env
    page = env.get_template("pages/public/photos.html").module.gallery(album.shown())
    for words in ('alt="求助的照片，2026年11月24日"', 'width="900" height="675"', 'loading="lazy"', "640w", "900w"):
        assert words in page
    assert "王秀兰" not in page
    assert env.get_template("pages/public/photos.html").module.gallery([]).strip() == ""


def test_the_database_keeps_one_live_approval_of_a_photo_that_was_asked_about_twice(album: Album) -> None:
    first = album.approve(album.pictures[0])
    assert album.approve(album.pictures[0]) == first
    with Database(album.stage.database) as db:
        photo = db.get_one(Photo, album.pictures[1])
        for values in ({"second_answer": None, "name": "a" * 32}, {"second_answer": "child", "name": "a" * 32}):
            db.add(
                PhotoReview(
                    photo_id=photo.id, verdict="approved", decided_by=1, decided_at=album.stage.clock(), **values
                )
            )
            with pytest.raises(Exception, match="asked_twice"):
                db.flush()
            db.rollback()


def test_its_owner_sees_the_photos_before_they_agree_and_nobody_else_does(album: Album) -> None:
    _close(album)
    album.approve(album.pictures[0])
    stage = album.stage
    link = next(word for word in stage.say("o-owner-0", f"网页 {album.appeal}").split() if "/preview/" in word)
    look = stage.browse("o-owner-0", urlsplit(link).path).text
    assert "下面 1 张照片也在这一页上" in look
    [address] = re.findall(r'src="(/preview-photo/[^"]+)"', look)
    assert stage.browse("o-owner-0", address).mimetype == "image/jpeg"
    assert stage.browse("o-li", address).status_code == 403
    assert stage.client.get(address).status_code == 403
    _take_down(album, None)
    assert stage.browse("o-owner-0", address).status_code == 404
    assert album.shown() == []


@in_a_browser
def test_the_page_with_photos_is_for_everybody_and_loads_the_small_copies(album: Album) -> None:
    for photo in album.pictures:
        album.approve(photo)

    def look(page: Page) -> None:
        for place, shown in enumerate(album.shown()):
            page.locator("picture img").nth(place).scroll_into_view_if_needed()
            # Not wait_for_function: what it asks again is evaluated by the page, which its own policy forbids.
            drawn = f"document.images[{place}].complete && document.images[{place}].naturalWidth > 0"
            until(partial(page.evaluate, drawn))
            loaded = page.evaluate(f"document.images[{place}].currentSrc")
            assert loaded.rpartition("/")[2] in (f"{shown.name}-640.webp", f"{shown.name}-900.webp")
        shared = page.locator("meta[property='og:image']").get_attribute("content") or ""
        assert shared.endswith(f"/a/{album.appeal}/photos/{album.shown()[0].name}-900.jpg")

    with examining(album.stage) as examine:
        examine(f"/a/{album.appeal}", "public/appeal", name="public-appeal-photos", act=look)
