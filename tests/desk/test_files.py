"""A file at the desk is the chat's file beside its pictures: the same people see it, and each opening is recorded."""

import re

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.staff.member import Staff
from models.verification.case import Verification
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.desk import OFFICER, OTHER, Browser, signed_in
from tests.scenes.gallery import Gallery
from tests.scenes.seat import QINGTANG, SEAT


def looks(stage: Stage) -> list[tuple[str, str, int, str | None, int | None]]:
    events = select(AuditEvent).where(AuditEvent.action == "read_sensitive").order_by(AuditEvent.id)
    with Database(stage.database) as db:
        return [(each.actor, each.subject, each.subject_id, each.detail, each.about) for each in db.scalars(events)]


def pictures_on(browser: Browser) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', browser.page)


def test_a_file_and_its_pictures_are_recorded_as_the_chat_and_the_pictures_page_do(gallery: Gallery) -> None:
    stage, path = gallery.stage, f"/desk/files/appeal/{gallery.appeal}"
    browser = signed_in(stage)
    assert browser.get(path).status_code == 200
    told = stage.say(OFFICER, f"看 {gallery.appeal}")
    seen = browser.page.replace("&#34;", '"')
    for line in told.splitlines():
        if line and not re.match(r"[0-9] |照片|回复", line):
            assert line in seen, line
    assert "照片（2 张）：就在这一页" in seen
    assert not re.search(r"^[0-9] (通过|看)", seen, re.MULTILINE)
    for picture, number in zip(pictures_on(browser), gallery.pictures, strict=True):
        answer = browser.client.get(picture)
        assert (answer.mimetype, answer.data) == ("image/jpeg", jpeg(scene(number)))
    with Database(stage.database) as db:
        owner = db.get_one(Appeal, gallery.appeal).owner_id
    read = (f"staff:{gallery.officer}", "appeal", gallery.appeal, "review", owner)
    assert looks(stage) == [read, (*read[:3], "pictures", owner), read]


@pytest.mark.parametrize(
    ("role", "region", "sees"),
    [
        ("township", DAOXIAN_MEIHUA, True),
        ("county", SEAT["county"], True),
        ("village", QINGTANG, False),
        ("county", "430524000000", False),
    ],
)
def test_who_sees_the_case_and_who_does_not(gallery: Gallery, role: str, region: str, sees: bool) -> None:
    stage = gallery.stage
    stage.appoint(OTHER, role, region)
    with Database(stage.database) as db:
        case = db.scalars(select(Verification.id)).one()
    browser = signed_in(stage, OTHER)
    assert browser.get(f"/desk/files/case/{case}").status_code == (200 if sees else 403)
    assert ("王秀兰" in browser.page) is sees
    assert len(looks(stage)) == sees


def test_of_their_own_household_nobody_reads_anything(gallery: Gallery) -> None:
    stage = gallery.stage
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, gallery.appeal)
        case = db.scalars(select(Verification.id)).one()
        db.execute(update(Staff).where(Staff.id == gallery.officer).values(household_id=appeal.household_id))
    browser = signed_in(stage)
    assert browser.get(f"/desk/files/case/{case}").status_code == 403
    browser.get(f"/desk/files/appeal/{gallery.appeal}")
    assert "13800000000" not in browser.page
    assert pictures_on(browser) == []
    assert looks(stage) == []


def test_what_there_is_not_is_nobodys(gallery: Gallery) -> None:
    browser = signed_in(gallery.stage)
    for what in (
        "appeal/999",
        "case/999",
        "user/1",
        "photo/1",
        "refund/1",
        "appeal/x",
        "appeal/-1",
        "case/" + "9" * 16,
    ):
        assert browser.get(f"/desk/files/{what}").status_code in (403, 404), what
        assert "不归您看" in browser.page
    assert looks(gallery.stage) == []


def test_a_picture_opens_for_the_seat_whose_page_led_to_it_and_for_nobody_else(gallery: Gallery) -> None:
    stage = gallery.stage
    stage.appoint(OTHER, "township")
    browser, other = signed_in(stage), signed_in(stage, OTHER)
    browser.get(f"/desk/files/appeal/{gallery.appeal}")
    picture = pictures_on(browser)[0]
    assert other.client.get(picture).status_code == 403
    assert Browser(stage).client.get(picture).status_code == 403
    # Nor is a link to the page inside WeChat one to the desk, or the other way round.
    assert browser.client.get(picture.replace("/desk/picture/", "/picture/")).status_code == 403
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == gallery.officer).values(region_code=QINGTANG))
    assert browser.client.get(picture).status_code == 403


def test_nothing_is_opened_or_recorded_for_who_only_asks_ahead(gallery: Gallery) -> None:
    browser, path = signed_in(gallery.stage), f"/desk/files/appeal/{gallery.appeal}"
    assert browser.client.head(path).status_code == 405
    assert browser.client.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert Browser(gallery.stage).get(path).status_code == 403
    assert looks(gallery.stage) == []
