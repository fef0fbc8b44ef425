"""The worker's context: pictures come from the simulator over HTTP, are written anew, and go when their owner goes."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from bot.photos.store import LARGEST_SIDE
from models.people.conversation import Turn
from models.people.photo import Photo
from tests.harness.platform import wechat
from tests.harness.processes.worker_desk import Desk, jpeg
from tests.harness.processes.workers import sweep_all
from tests.harness.stage import Stage

PLACE = b"27.1140, 111.0320"


def png(picture: Image.Image, **more: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", **more)
    return written.getvalue()


def test_what_a_file_tells_of_place_and_camera_is_left_behind(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    exif.get_ifd(0x8825)[1] = "N"
    notes = PngInfo()
    notes.add_text("comment", PLACE.decode())
    for content in (jpeg(exif=exif, comment=PLACE), png(Image.new("RGB", (9, 9)), pnginfo=notes)):
        assert PLACE in content
        photo = desk.fetched(content)
        assert (photo.state, photo.tries) == ("kept", 1)
        assert photo.path
        kept = desk.context.photos.files.read(photo.path)
        assert PLACE not in kept
        assert not desk.picture(photo).getexif()


def test_a_picture_taken_sideways_stands_upright(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert desk.picture(desk.fetched(jpeg((60, 30), exif=exif))).size == (30, 60)


def test_a_large_picture_is_made_smaller_and_a_transparent_one_white(desk: Desk) -> None:
    assert max(desk.picture(desk.fetched(jpeg((4000, 1000)))).size) == LARGEST_SIDE
    clear = desk.picture(desk.fetched(png(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))))
    assert clear.getpixel((10, 10)) == (255, 255, 255)


HUGE = png(Image.new("1", (9000, 9000)))
LONG_COMMENT = PngInfo()
LONG_COMMENT.add_text("comment", "x" * 70_000)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        jpeg()[:300],
        png(Image.new("RGB", (50, 50)))[:-30] + b"junkjunkjunk",
        b"BM" + bytes(60),
        HUGE,
    ],
    ids=["no picture", "cut off", "broken inside", "another format", "81 million pixels"],
)
def test_what_is_no_picture_is_lost_once_and_for_all(desk: Desk, content: bytes) -> None:
    photo = desk.fetched(content)
    assert (photo.state, photo.path) in {("lost", None), ("kept", photo.path)}
    assert photo.state == "lost" or max(desk.picture(photo).size) <= LARGEST_SIDE
    desk.context.run_job("fetch_photo", photo.id)
    assert desk.row(photo.id).tries == 1


def test_a_long_comment_is_no_reason_to_lose_a_picture(desk: Desk) -> None:
    assert desk.fetched(png(Image.new("RGB", (9, 9)), pnginfo=LONG_COMMENT)).state == "kept"


def test_the_sweep_finds_what_redis_lost_and_lets_old_replies_go(desk: Desk) -> None:
    owed, gone = desk.owed(jpeg()), desk.fetched(jpeg()).id
    now = datetime.now(UTC)
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == gone).values(state="gone"))
        for age in (1, 2, 31):
            received = now - timedelta(days=age, minutes=1)
            db.add(Turn(key=f"k{age}", received_at=received, kind="text", reply="hello", tries=0))
        db.add(Turn(key="k0", received_at=now, kind="text", reply="hello", tries=0))
    desk.context.jobs.redis.flushdb()
    assert sweep_all(desk.context) == 2
    queued = desk.context.jobs.queues["default"].get_jobs()
    assert {(job.func_name, *job.args) for job in queued} == {
        ("fetch_photo", owed),
        ("forget_photo", gone),
    }
    with Database(desk.database) as db:
        kept = {turn.key: turn.reply for turn in db.query(Turn)}
    assert kept == {"k0": "hello", "k1": None, "k2": None}


def test_a_forgotten_picture_leaves_the_disk(desk: Desk) -> None:
    photo = desk.fetched(jpeg())
    assert photo.path
    file = desk.folder / photo.path
    desk.context.run_job("forget_photo", photo.id)
    assert file.exists()  # it is not gone yet
    with Database(desk.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.id == photo.id).values(state="gone"))
    desk.context.run_job("forget_photo", photo.id)
    assert not file.exists()
    assert desk.row(photo.id).path is None


STORY = (
    "我家四口人，种了三亩橘子，去年冬天冻坏了一半。盖了大棚，橘子就不怕冻，两个孩子上学的钱就有了，明年还能再添一个棚。"
)
TO_PHOTOS = ("求助", "给橘园盖大棚", "4", "5000", "薄膜 5000", STORY, "完成")


@pytest.fixture
def stage(desk: Desk, database_url: str) -> Iterator[Stage]:
    """People who talk to the bot that this worker works for."""
    stage = Stage(database_url)
    stage.clock.now = datetime.now(UTC)
    stage.register("o-wang", "resident")
    yield stage
    stage.close()


def with_a_picture(desk: Desk, stage: Stage) -> Photo:
    """A draft that has taken a picture, which the worker has fetched."""
    for words in TO_PHOTOS:
        stage.say("o-wang", words)
    media = desk.simulator.media.put("image", jpeg())
    fields = {"PicUrl": "http://127.0.0.1/p.jpg", "MediaId": media.media_id}
    assert stage.deliver(wechat.message("image", "o-wang", **fields))[0] == 200
    desk.context.run_job("fetch_photo", 1)
    photo = desk.row(1)
    assert (photo.subject, photo.state) == ("draft", "kept")
    return photo


def test_a_draft_that_is_taken_up_again_keeps_its_pictures_however_old(desk: Desk, stage: Stage) -> None:
    with_a_picture(desk, stage)
    for _ in range(2):
        stage.clock.move(timedelta(days=20))
        assert "收到 1 张" in stage.say("o-wang", "继续")
        sweep_all(desk.context, stage.clock())
    stage.say("o-wang", "完成")
    assert "都填好了" in "".join(stage.say("o-wang", words) for words in ("湖南省永州市道县梅花镇", "60天后"))
    stage.say("o-wang", "确认")
    photo = desk.row(1)
    assert (photo.subject, photo.state) == ("appeal", "kept")
    assert desk.picture(photo)


def test_the_pictures_of_a_draft_that_nobody_came_back_to_go_with_it(desk: Desk, stage: Stage) -> None:
    photo = with_a_picture(desk, stage)
    stage.clock.move(timedelta(days=32))
    stage.say("o-wang", "菜单")  # the draft has run out, and this turn lets it go
    assert sweep_all(desk.context, stage.clock()) >= 1
    desk.context.run_job("forget_photo", photo.id)
    assert (desk.row(photo.id).state, desk.row(photo.id).path) == ("gone", None)


@pytest.mark.parametrize("words", [("取消", "1"), ("重来", "1")])
def test_a_draft_that_is_thrown_away_takes_its_pictures_along(desk: Desk, stage: Stage, words: tuple[str, ...]) -> None:
    with_a_picture(desk, stage)
    for word in words:
        stage.say("o-wang", word)
    assert desk.row(1).state == "gone"


def test_what_waited_past_its_last_day_is_taken_down_and_its_owner_told(desk: Desk, stage: Stage) -> None:
    with_a_picture(desk, stage)
    last_day = stage.clock() + timedelta(days=50)
    for words in ("完成", "湖南省永州市道县梅花镇", f"{last_day:%Y年%m月%d日}", "确认"):
        stage.say("o-wang", words)
    sweep_all(desk.context, stage.clock())
    assert "等村里看" in stage.say("o-wang", "我的")
    stage.clock.move(timedelta(days=52))
    assert "过了最后一天" in stage.say("o-wang", "我的")
    sweep_all(desk.context, stage.clock())
    reply = stage.say("o-wang", "我的")
    assert "还没审完" in reply
    assert "取消了" in reply
