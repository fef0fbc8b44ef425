"""The page of pictures: whom it lets in, for how long, what it leaves on record, and how it looks on a phone."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.app import links_of, pages_of
from bot.photos.files import PhotoFiles
from bot.simulator.serving import serving
from bot.web.links import LAST, DeadLink
from config.settings import Environment
from models.appeals.appeal import Appeal
from models.people.photo import Photo
from models.people.user import User
from models.proxy.mandate import Mandate
from models.staff.member import Staff
from models.staff.task import Matter, close_task, open_task
from models.verification.case import Verification
from models.verification.visit import Visit
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, shoot
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.gallery import Gallery, refused, shown

QINGTANG = "431124104000"


def test_the_officer_of_the_place_sees_the_pictures_and_the_look_is_recorded(gallery: Gallery) -> None:
    answer = gallery.open()
    assert answer.status_code == 200
    assert "一共 2 张" in answer.get_data(as_text=True)
    for path, number in zip(shown(answer), gallery.pictures, strict=True):
        picture = gallery.get(path)
        assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
        assert picture.data == jpeg(scene(number))
    with Database(gallery.stage.database) as db:
        owner = db.get_one(Appeal, gallery.appeal).owner_id
    assert gallery.looks() == [(f"staff:{gallery.officer}", "appeal", gallery.appeal, "pictures", owner)]


def test_no_connection_is_held_while_files_are_read_and_what_comes_meanwhile_is_not_seen(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is watched, not replaced: each file is read as always."""
    pool, has = gallery.stage.app.extensions["bangfu"]["turns"].database.pool, PhotoFiles.has
    held: list[int] = []
    comes: list[Callable[[], object]] = []

    def watched(files: PhotoFiles, path: str) -> bool:
        held.append(pool.checkedout())
        while comes:
            comes.pop()()
        return has(files, path)

    monkeypatch.setattr(PhotoFiles, "has", watched)
    assert len(shown(gallery.open())) == 2
    assert held == [0, 0]
    assert len(gallery.looks()) == 1
    comes.append(lambda: gallery.keep("appeal", gallery.appeal))
    assert len(shown(gallery.open())) == 2
    assert len(gallery.looks()) == 1, "the third picture was seen by nobody"
    assert len(shown(gallery.open())) == 3
    assert len(gallery.looks()) == 2


def test_nothing_of_it_is_kept_indexed_framed_or_told_to_others(gallery: Gallery) -> None:
    page = gallery.open()
    for answer in (page, gallery.get(shown(page)[0]), gallery.get("/pictures/x")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
    assert "<script" not in page.get_data(as_text=True)
    assert "王秀兰" not in page.get_data(as_text=True)


def test_in_production_no_page_is_shown_inside_another(gallery: Gallery) -> None:
    settings = gallery.stage.settings.model_copy(update={"bangfu_env": Environment.PRODUCTION})
    renderer = gallery.stage.app.extensions["bangfu"]["turns"].renderer
    with gallery.stage.app.app_context():
        answer = pages_of(settings, renderer).show("oversight/pictures_gone", 403, reason="forged")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_link_ends_after_a_quarter_of_an_hour(gallery: Gallery) -> None:
    path = gallery.link()
    picture = shown(gallery.get(path))[0]
    gallery.stage.clock.move(LAST)
    assert gallery.get(path).status_code == 200
    gallery.stage.clock.move(timedelta(seconds=1))
    refused(gallery.get(path), "15 分钟")
    refused(gallery.get(picture), "15 分钟")


def test_a_link_of_another_kind_of_page_opens_nothing(gallery: Gallery) -> None:
    """Signed with the same secret, for the same member of staff and the same thing."""
    links = links_of(gallery.stage.settings, gallery.stage.clock)
    for kind in ("card", "picture", "subscribe"):
        token = links.make(kind, f"appeal:{gallery.appeal}", gallery.officer).rpartition("/")[2]
        refused(gallery.get(f"/pictures/{token}"))


def test_a_forged_link_opens_nothing(gallery: Gallery) -> None:
    path = gallery.link()
    other = gallery.link("appeal:99")
    token, parts = path.rpartition("/")[2], other.rpartition("/")[2].split(".")
    payload, stamp, signature = token.split(".")
    for forged in (
        f"{payload}.{stamp}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        f"{parts[0]}.{stamp}.{signature}",
        f"{payload}.{stamp}",
        token[::-1],
        "0",
    ):
        refused(gallery.get(f"/pictures/{forged}"), "改动过")
    # A link to the page is none to a picture, nor the other way round.
    refused(gallery.get(f"/picture/{token}"), "改动过")
    refused(gallery.get(shown(gallery.get(path))[0].replace("/picture/", "/pictures/")), "改动过")
    assert len(gallery.looks()) == 1


def test_another_secret_signs_nothing_here(gallery: Gallery) -> None:
    links = links_of(gallery.stage.settings, gallery.stage.clock)
    links._secret = "another"
    refused(gallery.get(urlsplit(links.make("pictures", "appeal:1", gallery.officer)).path), "改动过")
    with pytest.raises(DeadLink):
        links.read("pictures", gallery.link().rpartition("/")[2])


@pytest.mark.parametrize(
    ("role", "region", "sees"),
    [
        ("village", DAOXIAN_MEIHUA, True),
        ("village", "431124101204", True),
        ("township", DAOXIAN_MEIHUA, True),
        ("county", "431124000000", True),
        ("village", QINGTANG, False),
        ("township", QINGTANG, False),
        ("county", "430524000000", False),
        # A charity that does not decide on it now.
        ("fund_holder", "430000000000", False),
    ],
)
def test_only_staff_of_the_region_may_look(gallery: Gallery, role: str, region: str, sees: bool) -> None:
    staff = gallery.stage.appoint("o-other", role, region)
    answer = gallery.open(staff=staff)
    if sees:
        assert len(shown(answer)) == 2
        assert [look[0] for look in gallery.looks()] == [f"staff:{staff}"]
    else:
        refused(answer, "不归您看")
        assert gallery.looks() == []


def test_a_charity_looks_while_it_has_to_decide_and_no_longer(gallery: Gallery) -> None:
    charity = gallery.stage.appoint("o-fund", "fund_holder", "430000000000")
    now = gallery.stage.clock()
    with Database(gallery.stage.database) as db, db.begin():
        household = db.get_one(Appeal, gallery.appeal).household_id
        close_task(db, "appeal", gallery.appeal, now)
        open_task(db, Matter("appeal", gallery.appeal, DAOXIAN_MEIHUA, household), "file", now)
    assert len(shown(gallery.open(staff=charity))) == 2
    with Database(gallery.stage.database) as db, db.begin():
        close_task(db, "appeal", gallery.appeal, now)
    refused(gallery.open(staff=charity), "不归您看")


@pytest.mark.parametrize("lost", ["suspended", "revoked", "ended", "not_begun", "moved"])
def test_who_has_lost_the_seat_sees_nothing_though_the_link_still_lives(gallery: Gallery, lost: str) -> None:
    path = gallery.link()
    picture = shown(gallery.get(path))[0]
    now = gallery.stage.clock()
    changes: dict[str, dict[str, Any]] = {
        "ended": {"active_until": now},
        "not_begun": {"active_from": now + timedelta(days=1)},
        "moved": {"region_code": QINGTANG},
    }
    values = changes.get(lost, {"state": lost})
    with Database(gallery.stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == gallery.officer).values(**values))
    refused(gallery.get(path), "不归您看")
    refused(gallery.get(picture), "不归您看")
    assert len(gallery.looks()) == 1


@pytest.mark.parametrize("what", ["appeal:99", "case:99", "mandate:99", "user:1", "photo:1"])
def test_what_there_is_not_is_nobodys(gallery: Gallery, what: str) -> None:
    refused(gallery.open(what), "不归您看")


def test_pictures_that_are_lost_gone_or_another_appeals_are_not_shown(gallery: Gallery) -> None:
    other = gallery.stage.open_appeal()
    theirs = gallery.keep("appeal", other)
    gallery.keep("appeal", gallery.appeal, "gone")
    gallery.keep("appeal", gallery.appeal, "owed")
    gallery.keep("draft", gallery.appeal)
    answer = gallery.open()
    assert len(shown(answer)) == 2
    links = links_of(gallery.stage.settings, gallery.stage.clock)
    for number in (theirs, 999):
        made = links.make("picture", f"appeal:{gallery.appeal}:{number}", gallery.officer)
        assert gallery.get(urlsplit(made).path).status_code == 404


def test_an_erased_picture_is_gone_from_a_page_that_is_still_open(gallery: Gallery) -> None:
    first, second = shown(gallery.open())
    with Database(gallery.stage.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == gallery.pictures[0]).values(state="gone"))
    assert gallery.get(first).status_code == 404
    assert gallery.get(second).status_code == 200
    gallery.files.delete(f"{gallery.pictures[1]}.jpg")
    assert gallery.get(second).status_code == 404


def test_of_a_damaged_picture_the_page_says_so_and_shows_the_others(gallery: Gallery) -> None:
    first, second = (gallery.folder / f"{number}.jpg.sealed" for number in gallery.pictures)
    open_before = shown(gallery.open())
    second.write_bytes(first.read_bytes())  # exchanged for another of ours
    with capture_logs() as logs:
        answer = gallery.open()
        assert gallery.get(open_before[1]).status_code == 404
    page = answer.get_data(as_text=True)
    assert (answer.status_code, len(shown(answer))) == (200, 1)
    assert "第 2 张打不开" in page
    assert gallery.get(shown(answer)[0]).data == jpeg(scene(gallery.pictures[0]))
    alarms = [(each["event"], each["path"]) for each in logs if each["log_level"] == "error"]
    assert alarms == [("photos.spoiled", second.name)] * 2


def test_a_case_shows_its_visits_and_a_mandate_its_sheet(gallery: Gallery) -> None:
    with Database(gallery.stage.database) as db, db.begin():
        owner = db.get_one(User, db.get_one(Appeal, gallery.appeal).owner_id)
        now = gallery.stage.clock()
        case = Verification(
            user_id=owner.id,
            household_id=owner.household_id,
            region_code=DAOXIAN_MEIHUA,
            state="rejected",
            submitted_at=now,
            due_at=now,
        )
        db.add(case)
        db.flush()
        common = {"staff_id": gallery.officer, "draft_id": "d-1"}
        visit = Visit(
            verification_id=case.id, at=now, place="{}", assessment="{}", findings="", score=1, supports=True, **common
        )
        mandate = Mandate(user_id=owner.id, kind="sheet", scope="appeal", granted_at=now, expires_at=now, **common)
        db.add_all([visit, mandate])
        db.flush()
        numbers = case.id, visit.id, mandate.id
    gallery.keep("visit", numbers[1])
    gallery.keep("mandate", numbers[2])
    for what, name in ((f"case:{numbers[0]}", "认证"), (f"mandate:{numbers[2]}", "授权代办")):
        answer = gallery.open(what)
        assert len(shown(answer)) == 1
        assert f"{name} {what.partition(':')[2]} 号的照片" in answer.get_data(as_text=True)
    assert [look[1] for look in gallery.looks()] == ["case", "mandate"]


def test_an_appeal_without_pictures_says_so(gallery: Gallery) -> None:
    bare = gallery.stage.open_appeal()
    assert "现在没有照片" in gallery.open(f"appeal:{bare}").get_data(as_text=True)


def test_the_reply_to_look_leads_to_the_page(gallery: Gallery) -> None:
    reply = gallery.stage.say("o-zhou", f"看 {gallery.appeal}")
    found = re.search(r"照片（2 张）：(\S+)", reply)
    assert found
    assert found[1].startswith(f"{gallery.stage.settings.public_url}/pictures/")
    assert len(shown(gallery.get(urlsplit(found[1]).path))) == 2
    bare = gallery.stage.open_appeal()
    assert "照片" not in gallery.stage.say("o-zhou", f"看 {bare}")
    assert "/pictures/" not in gallery.stage.say("o-stranger", f"看 {gallery.appeal}")


# --- In a browser


def signed_in(stage: Stage, root: str) -> Any:
    return {"name": "bangfu_visitor", "value": stage.visitor_cookie("o-zhou"), "url": root}


@needs_chromium
def test_the_page_can_be_read_on_a_phone_and_on_a_desk(new_database: Callable[[], str], tmp_path: Path) -> None:
    stage = Stage(new_database())
    gallery = Gallery(stage, tmp_path / "media")
    gallery.keep("appeal", gallery.appeal)
    complaints: list[str] = []
    with chromium() as browser, serving(stage.app) as root:
        for size, name in ((PHONE, "phone"), (DESK, "desk")):
            page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
            page.context.add_cookies([signed_in(stage, root)])
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.goto(root + gallery.link())
            pictures = page.locator("img")
            assert pictures.count() == 3
            for place in range(3):
                assert pictures.nth(place).evaluate("image => image.complete && image.naturalWidth > 0")
                box = pictures.nth(place).bounding_box()
                assert box
                assert box["width"] >= 250
                assert box["x"] + box["width"] <= size["width"]
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            font = page.locator("main p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")
            assert font >= 18
            assert (
                page.locator("main").evaluate("main => getComputedStyle(main).backgroundColor") == "rgb(255, 255, 255)"
            )
            shoot(page, f"pictures-{name}")
            assert complaints == []
            page.goto(f"{root}/pictures/forged")
            shoot(page, f"pictures-gone-{name}")
            complaints.clear()  # the browser says that it got a 403
            page.close()
    stage.close()


@in_a_browser
def test_the_page_is_for_everybody(gallery: Gallery) -> None:
    gallery.keep("appeal", gallery.appeal, "owed")
    gallery.keep("appeal", gallery.appeal, "lost")
    with examining(gallery.stage, visitor="o-zhou") as examine:
        examine(gallery.link(), "oversight/pictures")
        examine("/pictures/forged", "oversight/pictures_gone", status=403)
