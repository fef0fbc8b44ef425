"""When a photo is asked for again, and when it is lost: by what was answered, and by when it was sent."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.photos.store import LONGEST_PAUSE, SHORTEST_PAUSE, WECHAT_KEEPS, Photos, owed_photos, pause_after
from bot.simulator.faults import Fault, Kind
from bot.wechat.client import Media, MediaUnusable
from bot.wechat.policy import Unreachable, WeChatError, rule_for
from models.core.database import connect
from models.people.photo import SWEPT_AFTER, Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.processes.media import FolderStore, MediaStore
from tests.harness.processes.worker_desk import Desk
from tests.harness.stage import Clock
from tests.harness.tiers import examples

PICTURE = jpeg(scene(1))


def _refusal(code: int) -> WeChatError:
    return WeChatError(code, rule_for(code).action, "media/get")


# What may be answered; a picture, or what the call raises.
REFUSED: dict[str, Exception] = {"older than three days": _refusal(40007), "a code nobody knows": _refusal(99_999)}
AWAY: dict[str, Exception] = {
    "no network": Unreachable(False, "media/get", "ConnectTimeout"),
    "an error of the server": Unreachable(True, "media/get", "status 502"),
    "busy": _refusal(-1),
    "a dead token": _refusal(40001),
    "an address that is not on the list": _refusal(40164),
    "the day's quota": _refusal(45009),
    "the minute's quota": _refusal(45011),
}
USELESS: dict[str, bytes | Exception] = {"no picture": b"BM" + bytes(60), "a film": MediaUnusable("not a file")}
ANSWERS: dict[str, bytes | Exception] = {**REFUSED, **AWAY, **USELESS, "a picture": PICTURE}


class Answering:
    """In the platform's place: answers each call as it is told to."""

    answer: bytes | BaseException = b""

    def download(self, _media_id: str) -> Media:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return Media(self.answer, "image/jpeg")


class Room:
    """Where one photo after another is fetched, at a time of our own."""

    def __init__(self, database: Engine, media: MediaStore) -> None:
        self.database, self.media, self.clock, self.wechat = database, media, Clock(), Answering()
        self.photos = Photos(database, self.wechat, media.storage, self.clock)  # type: ignore[arg-type]

    def sent(self) -> int:
        with Database(self.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=1, media_id="m", pic_url="", created_at=self.clock())
            db.add(photo)
            db.flush()
            return photo.id

    def row(self, photo: int) -> Photo:
        with Database(self.database, expire_on_commit=False) as db:
            return db.get_one(Photo, photo)

    def swept(self, photo: int) -> bool:
        """Whether the sweep would enqueue it now."""
        with self.database.connect() as connection:
            return photo in owed_photos(connection, self.clock(), 1_000)

    def fetch(self, photo: int, answer: bytes | BaseException) -> Photo:
        self.wechat.answer = answer
        self.photos.fetch(photo)
        return self.row(photo)


@pytest.fixture
def room(database_url: str, media: MediaStore) -> Iterator[Room]:
    database = connect(database_url)
    yield Room(database, media)
    database.dispose()


@pytest.fixture
def disk(database_url: str, tmp_path: Path) -> Iterator[tuple[Room, Path]]:
    """A room whose photos lie in a folder, and the folder."""
    database = connect(database_url)
    yield Room(database, FolderStore(tmp_path / "media")), tmp_path / "media"
    database.dispose()


def test_an_outage_of_any_length_loses_nothing(room: Room) -> None:
    """22 minutes without network lost photos for good: each of twenty tries counted."""
    photo = room.sent()
    for _ in range(30):
        for why in AWAY.values():
            assert (room.fetch(photo, why).state, room.row(photo).tries) == ("owed", 0)
        room.clock.move(timedelta(minutes=1))
    room.clock.move(timedelta(days=2))
    found = room.fetch(photo, PICTURE)
    assert (found.state, found.tries) == ("kept", 1)


def test_what_wechat_refuses_is_lost_after_three_days_and_its_pauses_grow(room: Room) -> None:
    photo, sent = room.sent(), room.clock()
    room.clock.move(SWEPT_AFTER)
    pauses = []
    while room.fetch(photo, REFUSED["older than three days"]).state == "owed":
        pauses.append(room.row(photo).try_at - room.clock())
        room.clock.move(pauses[-1] - timedelta(seconds=1))
        assert not room.swept(photo)
        room.clock.move(timedelta(seconds=1))
        assert room.swept(photo)
    assert room.row(photo).state == "lost"
    assert WECHAT_KEEPS <= room.clock() - sent <= WECHAT_KEEPS + LONGEST_PAUSE
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (SHORTEST_PAUSE, LONGEST_PAUSE)
    assert 20 < len(pauses) < 60


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(ANSWERS)), st.integers(0, 30)), max_size=14))
def test_whatever_is_answered_in_whichever_order(room: Room, steps: list[tuple[str, int]]) -> None:
    photo, sent, refused = room.sent(), room.clock(), 0
    for name, hours in steps:
        before = room.row(photo)
        given_up = before.state == "owed" and refused > 0 and room.clock() - sent >= WECHAT_KEEPS
        after = room.fetch(photo, ANSWERS[name])
        if before.state != "owed":
            assert (after.state, after.path, after.tries) == (before.state, before.path, before.tries)
        elif given_up or name in USELESS:
            assert after.state == "lost"
        elif name == "a picture":
            assert after.state == "kept"
            assert room.media.read(str(after.path))
        else:
            refused += name in REFUSED
            assert (after.state, after.tries) == ("owed", refused)
            assert SHORTEST_PAUSE <= after.try_at - room.clock() <= LONGEST_PAUSE
        room.clock.move(timedelta(hours=hours))
    assert all(path.endswith(".sealed") for path in room.media.paths())


def test_a_photo_that_kills_its_worker_is_not_fetched_for_ever(room: Room) -> None:
    """The try is counted before it is made, so that one that never ends counts as one."""

    class Killed(BaseException):
        pass

    photo, tries = room.sent(), 0
    while room.row(photo).state == "owed":
        try:
            room.fetch(photo, Killed())
        except Killed:
            tries += 1
        assert room.row(photo).tries == tries
        room.clock.move(max(room.row(photo).try_at - room.clock(), timedelta(0)))
    assert room.row(photo).state == "lost"
    assert tries < 60


def test_pauses_grow_with_the_time_that_has_passed() -> None:
    hours = [pause_after(timedelta(hours=hour)) for hour in range(80)]
    assert hours == sorted(hours)
    assert hours[1] == timedelta(minutes=30)


# The disk


@contextmanager
def full_disk(room_for: int) -> Iterator[None]:
    """As on a full disk, the system itself refuses to write more of a file than so many bytes; logs are a file, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_for, hard))
    try:
        with capture_logs():
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room_for", [0, 1, 1_000])
def test_a_full_disk_counts_as_no_try_and_leaves_no_half_a_picture(disk: tuple[Room, Path], room_for: int) -> None:
    room, _ = disk
    photo = room.sent()
    for _ in range(30):
        with full_disk(room_for):
            after = room.fetch(photo, PICTURE)
        assert (after.state, after.tries, after.path) == ("owed", 0, None)
        assert room.media.paths() == []
        room.clock.move(timedelta(hours=3))
    assert room.fetch(photo, PICTURE).state == "kept"
    assert len(room.media.paths()) == 1


def _no_folder(folder: Path) -> None:
    folder.write_bytes(b"")  # as where a disk was not mounted


def _no_shelf(folder: Path) -> None:
    folder.mkdir()
    (folder / "001").write_bytes(b"")


@pytest.mark.parametrize("breaks", [_no_folder, _no_shelf])
def test_a_folder_that_cannot_be_written_counts_as_no_try(
    disk: tuple[Room, Path], breaks: Callable[[Path], None]
) -> None:
    room, folder = disk
    breaks(folder)
    photo = room.sent()
    while photo % 1000 != 1:
        photo = room.sent()
    for _ in range(30):
        assert (room.fetch(photo, PICTURE).state, room.row(photo).tries) == ("owed", 0)
        room.clock.move(timedelta(hours=3))


def test_a_copy_waits_while_its_source_cannot_be_read_and_is_lost_with_it(room: Room) -> None:
    source = room.sent()
    room.fetch(source, PICTURE)
    copies = []
    for _ in range(2):
        with Database(room.database) as db, db.begin():
            copy = Photo(subject="appeal", subject_id=2, media_id="m", pic_url="", copy_of=source)
            copy.created_at = room.clock()
            db.add(copy)
            db.flush()
            copies.append(copy.id)
    room.media.go_away()
    assert (room.fetch(copies[0], b"").state, room.row(copies[0]).tries) == ("owed", 0)
    room.media.come_back()
    assert room.fetch(copies[0], b"").state == "kept"
    room.media.delete(str(room.row(source).path))
    assert room.fetch(copies[1], b"").state == "lost"


# At the platform


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.DOWN, where="/cgi-bin/media/get"),
        Fault(Kind.REFUSE, where="/cgi-bin/media/get", code=40001),
        Fault(Kind.REFUSE, where="/cgi-bin/media/get", code=45009),
        Fault(Kind.DOWN, where="/cgi-bin/stable_token"),
    ],
    ids=["away", "a dead token", "the quota", "no token"],
)
def test_while_the_platform_is_away_nothing_is_lost(desk: Desk, fault: Fault) -> None:
    photo = desk.owed(PICTURE)
    desk.context.jobs.redis.flushdb()  # of a token from before
    kept = desk.simulator.faults.add(fault)
    for _ in range(25):
        desk.context.run_job("fetch_photo", photo)
    assert (desk.row(photo).state, desk.row(photo).tries) == ("owed", 0)
    desk.simulator.faults.lift(kept)
    desk.context.jobs.redis.flushdb()  # a token that could not be had is asked for after a pause
    desk.context.run_job("fetch_photo", photo)
    assert (desk.row(photo).state, desk.row(photo).tries) == ("kept", 1)
    assert desk.row(photo).try_at > datetime.now(UTC)
