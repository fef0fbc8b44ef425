"""An appeal that ended without success is handed in again, by its owner or by mandate, and keeps its pictures."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.giving.funding import cancel_overdue_reviews
from models.people.photo import Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.processes.worker_desk import Desk
from tests.harness.stage import Stage
from tests.scenes.proxy_village import APPEAL, BY_SHEET, Village
from tests.scenes.proxy_village import village as village


def run_out(stage: Stage, *numbers: int) -> None:
    """Its last day comes while it is still checked."""
    with Database(stage.database) as db, db.begin():
        past = {"deadline": stage.clock() - timedelta(hours=1), "collect_days": None}
        db.execute(update(Appeal).where(Appeal.id.in_(numbers)).values(past))
        cancel_overdue_reviews(db, stage.clock())


def appeals(stage: Stage) -> list[tuple[int, str, int | None]]:
    with Database(stage.database) as db:
        rows = db.execute(select(Appeal.id, Appeal.state, Appeal.reopens_id).order_by(Appeal.id))
        return [(number, state, reopens) for number, state, reopens in rows]


def test_time_that_ran_out_during_the_checks_costs_its_owner_one_answer(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    run_out(stage, stage.ask("o-wang"))
    reply = stage.say("o-wang", "重新交")
    assert "回复“重新交 1”，写过的都在" in reply
    assert "捐款收多少天？" in reply
    assert "7 照片：1 张" in stage.say("o-wang", "3")
    stage.say("o-wang", "确认")
    assert appeals(stage) == [(1, "cancelled", None), (2, "submitted", 1)]
    # What has been handed in again is not offered once more.
    assert "重新交" not in stage.say("o-wang", "我的")


def test_nothing_is_offered_beside_an_open_appeal_of_its_category(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    run_out(stage, stage.ask("o-wang"))
    assert "重新交没办成的求助" in stage.say("o-wang", "我的")
    stage.ask("o-wang")
    assert "重新交没办成的求助" not in stage.say("o-wang", "我的")
    assert "您现在没有要重新交的求助" in stage.say("o-wang", "重新交")


def test_what_it_was_returned_for_is_asked_again_with_its_answer_in_place(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    stage.appoint("o-zhou", "village")
    stage.say("o-zhou", f"退回 {number} 标题不清楚")
    run_out(stage, number)
    reply = stage.say("o-wang", f"重新交 {number}")
    assert "现在填的是：买台缝纫机做衣服" in reply
    assert "捐款收多少天？" in stage.say("o-wang", "不改")
    assert "1 要办的事：买台缝纫机做衣服" in stage.say("o-wang", "2")
    # Begun anew, it is asked again.
    stage.say("o-wang", "重来")
    assert "现在填的是：买台缝纫机做衣服" in stage.say("o-wang", "1")


def test_an_officer_hands_in_again_what_they_wrote_by_mandate(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    number = village.newest(Appeal).id
    run_out(village.stage, number)
    # Another officer has no mandate: to them there is no such appeal.
    assert "重新交一次就行" not in village.say("tang", f"重新交 {number}")
    assert "都填好了，请念给本人听" in village.say("zhou", f"重新交 {number}", "2")
    village.say("zhou", "确认")
    again = village.newest(Appeal)
    assert (again.reopens_id, again.state, again.owner_id) == (number, "submitted", village.wang)
    assert village.count(Appeal) == 2


def test_a_picture_is_copied_from_our_own_disk_and_outlives_the_first(desk: Desk, stage: Stage) -> None:
    stage.register("o-wang", "resident")
    first = stage.ask("o-wang")
    shown = desk.owed(jpeg(scene(3)))
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id != shown).values(state="lost"))
        db.execute(update(Photo).where(Photo.id == shown).values(subject="appeal", subject_id=first))
    desk.context.run_job("fetch_photo", shown)
    run_out(stage, first)
    for words in ("重新交", "2", "确认"):
        stage.say("o-wang", words)
    with Database(desk.database) as db:
        copy = db.scalars(select(Photo).where(Photo.copy_of == shown)).one()
    assert (copy.subject, copy.subject_id, copy.state) == ("appeal", 2, "owed")
    # WeChat keeps a picture for three days: it is not asked for this one.
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == copy.id).values(media_id="gone-from-wechat"))
    desk.context.run_job("fetch_photo", copy.id)
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == shown).values(state="gone"))
    desk.context.run_job("forget_photo", shown)
    kept = desk.row(copy.id)
    assert kept.state == "kept"
    assert kept.path
    assert (desk.folder / kept.path).exists()
