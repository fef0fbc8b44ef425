"""Who decides which photos everybody sees: an officer of the place without a tie who has looked, and last the owner."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.outreach.update_review import submit
from models.people.user import User
from models.proxy.mandate import Mandate, ProxyAct
from models.public import photo_review
from models.public.photo_review import NoSuchPhoto, OwnerTookDown, PhotosNotPublic, SawChild
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.pictures_opened import PicturesNotOpened
from models.staff.turn import HasConflict, NotIdentified, OutsideRegion
from tests.harness.stage import Stage
from tests.scenes.public_photos import Album

QINGTANG = "431124104000"


@pytest.fixture
def album(database_url: str, tmp_path: Path) -> Iterator[Album]:
    stage = Stage(database_url)
    yield Album(stage, tmp_path / "media")
    stage.close()


def test_an_officer_of_the_place_approves_and_no_other(album: Album) -> None:
    for place, (role, region) in enumerate((("village", QINGTANG), ("county", "430524000000"))):
        staff = album.stage.appoint(f"o-far-{place}", role, region)
        with pytest.raises(OutsideRegion):
            album.approve(album.pictures[0], staff, opens=False)
        assert "/pictures/" not in album.stage.say(f"o-far-{place}", f"照片 {album.appeal}")
    for place, (role, region) in enumerate((("village", "431124101204"), ("county", "431124000000"))):
        album.approve(album.pictures[place], album.stage.appoint(f"o-near-{place}", role, region), job=False)


def test_a_charity_and_a_stranger_decide_on_nothing(album: Album) -> None:
    album.stage.appoint("o-fund", "fund_holder", "430000000000")
    for openid in ("o-fund", "o-stranger", "o-owner-0"):
        album.stage.say(openid, f"照片 {album.appeal}")
        assert not any(said.startswith("replies/public/photo") for said in album.stage.said), openid


def test_who_has_a_tie_to_the_household_approves_nothing(album: Album) -> None:
    with Database(album.stage.database) as db, db.begin():
        owner = db.get_one(User, db.get_one(Appeal, album.appeal).owner_id)
        staff = db.get_one(Staff, album.officer)
        record_conflict(db, staff, "kin", owner.id_number or "", album.stage.clock())
    with pytest.raises(HasConflict):
        album.approve(album.pictures[0])
    assert "您不能办" in album.stage.say("o-zhou", f"照片 {album.appeal}")


def test_who_wrote_the_appeal_by_mandate_approves_none_of_its_photos(album: Album) -> None:
    with Database(album.stage.database) as db, db.begin():
        owner, now = db.get_one(Appeal, album.appeal).owner_id, album.stage.clock()
        mandate = Mandate(
            user_id=owner,
            staff_id=album.officer,
            draft_id="m",
            kind="sheet",
            scope="appeal",
            granted_at=now,
            expires_at=now,
        )
        db.add(mandate)
        db.flush()
        db.add(
            ProxyAct(
                user_id=owner,
                mandate_id=mandate.id,
                subject="appeal",
                subject_id=album.appeal,
                at=now,
            )
        )
    with pytest.raises(HasConflict):
        album.approve(album.pictures[0])


def test_a_seat_without_an_id_number_approves_nothing(album: Album) -> None:
    staff = album.stage.appoint("o-old", "village", identified=False)
    with pytest.raises(NotIdentified):
        album.approve(album.pictures[0], staff)


def test_who_has_not_looked_since_the_last_photo_came_approves_nothing(album: Album) -> None:
    with pytest.raises(PicturesNotOpened):
        album.approve(album.pictures[0], opens=False)
    album.approve(album.pictures[0])
    with Database(album.stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, album.appeal)
        submit(db, appeal, "told", "路修了一半", (), album.stage.person("o-owner-0"), album.stage.clock())
    with pytest.raises(PicturesNotOpened):
        album.approve(album.pictures[1], opens=False)
    album.approve(album.pictures[1])
    with Database(album.stage.database) as db, db.begin():
        at, by = album.stage.clock(), "staff:1"
        record(db, at=at, actor=by, action="revised", subject="appeal", subject_id=album.appeal, detail="revision:1")
    album.stage.say("o-zhou", f"照片 {album.appeal}")
    assert "您还没打开看" in album.stage.say("o-zhou", f"照片 {album.appeal}")


def test_a_photo_of_another_appeal_is_none_of_this_one(album: Album) -> None:
    other = album.keep("appeal", album.stage.open_appeal())
    with pytest.raises(NoSuchPhoto):
        album.approve(other)


def test_photos_of_a_stopped_appeal_wait(album: Album) -> None:
    album.open()
    with Database(album.stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, album.appeal)
        appeal.state, appeal.was = "frozen", "funding"
    with pytest.raises(PhotosNotPublic):
        album.approve(album.pictures[0], opens=False)


def test_what_its_owner_took_down_no_officer_brings_back_whatever_is_said_in_between(album: Album) -> None:
    album.approve(album.pictures[0])
    assert "撤下来了" in album.stage.say("o-owner-0", f"撤下照片 {album.appeal}")
    assert album.shown() == []
    second = album.stage.appoint("o-second", "township")
    with Database(album.stage.database) as db, db.begin():
        officer = db.get_one(Staff, album.officer)
        photo_review.keep_back(db, officer, album.appeal, album.pictures[0], "other", None, album.stage.clock())
    with pytest.raises(OwnerTookDown):
        album.approve(album.pictures[0], second)


def test_a_childs_face_takes_an_approval_back_and_only_another_officer_approves_again(album: Album) -> None:
    review = album.approve(album.pictures[0])
    file = f"{album.shown()[0].name}-640.webp"
    second = album.stage.appoint("o-second", "township")
    album.open(staff=second)
    with Database(album.stage.database) as db, db.begin():
        officer, now = db.get_one(Staff, second), album.stage.clock()
        taken = photo_review.keep_back(db, officer, album.appeal, album.pictures[0], "child", None, now)
    assert taken == [review]
    assert album.load(file).status_code == 404
    with pytest.raises(SawChild):
        album.approve(album.pictures[0], second)
    assert album.approve(album.pictures[0]) != review


def test_any_officer_of_the_place_takes_photos_down_and_no_stranger(album: Album) -> None:
    album.approve(album.pictures[0])
    album.stage.appoint("o-far", "county", "430524000000")
    for openid in ("o-stranger", "o-far"):
        album.stage.say(openid, f"撤下照片 {album.appeal}")
        assert len(album.shown()) == 1
    album.stage.appoint("o-county", "county", "431124000000")
    assert "1 张照片撤下来了" in album.stage.say("o-county", f"撤下照片 {album.appeal}")
    assert album.shown() == []
