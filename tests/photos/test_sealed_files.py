"""Nothing of a picture can be read in the photo folder, and what lay open there from before is sealed."""

import base64
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.app import create_app
from bot.cli.commands import add_commands
from bot.photos.files import SEALED, KeyMissing, PhotoFiles, SpoiledFile
from bot.photos.sealing import SealedAnew, seal_files
from bot.photos.store import Photos
from bot.storage.folder import Folder
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.words.lexicon import load_lexicon
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.people.photo import Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.processes.media import FolderStore, MediaStore
from tests.harness.processes.worker_desk import Desk
from tests.harness.stage import Clock, settings_for

NEW = base64.b64encode(bytes(range(32))).decode()
PLACE = b"Meihua, the third house"


class Box:
    """A database and a storage of photos."""

    def __init__(self, database: Engine, media: MediaStore) -> None:
        self.database, self.media = database, media
        self.files = PhotoFiles(media.storage)

    def photo(self, content: bytes | None, *, sealed: bool = False) -> int:
        """A kept photo. ``content``: what its file holds; None where there is no file."""
        with Database(self.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=1, media_id="m", pic_url="", state="kept")
            photo.created_at = datetime.now(UTC)
            db.add(photo)
            db.flush()
            photo.path = f"{photo.id % 1000:03}/{photo.id}-00ff.jpg"
            if content is not None:
                (self.files.write if sealed else self.files.storage.write)(photo.path, content)
            photo.path += SEALED if sealed else ""
            return photo.id

    def path(self, photo: int) -> str:
        with Database(self.database) as db:
            return str(db.get_one(Photo, photo).path)

    def read(self, photo: int) -> bytes:
        return self.files.read(self.path(photo))

    def seal(self, *, only_open: bool = True) -> SealedAnew:
        return seal_files(self.database, self.files, only_open=only_open)

    def all_bytes(self) -> list[bytes]:
        return self.media.contents()


@pytest.fixture
def box(database_url: str, media: MediaStore) -> Iterator[Box]:
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    database = connect(database_url)
    yield Box(database, media)
    database.dispose()
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_of_a_picture_can_be_read_in_the_folder(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    umask = os.umask(0)
    try:
        photo = desk.fetched(jpeg(scene(1), quality=90))
    finally:
        os.umask(umask)
    assert photo.path
    picture = desk.context.photos.files.read(photo.path)
    file = desk.folder / photo.path
    lies = file.read_bytes()
    assert picture.startswith(b"\xff\xd8")
    assert b"JFIF" in picture
    assert not any(part in lies for part in (b"JFIF", b"Exif", picture[:12], picture[200:216], picture[-16:]))
    assert (mode(file), mode(file.parent), mode(desk.folder)) == (0o600, 0o700, 0o700)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_shelf_that_is_open_to_others_is_closed_with_the_next_file(tmp_path: Path) -> None:
    root = tmp_path / "media"
    (root / "001").mkdir(parents=True, mode=0o755)
    PhotoFiles(Folder(root)).write("001/1-a.jpg", b"picture")
    assert (mode(root), mode(root / "001")) == (0o700, 0o700)


def test_files_that_lie_open_are_sealed_and_show_the_same(box: Box) -> None:
    old = {box.photo(b"\xff\xd8JFIF open %d" % number): number for number in range(3)}
    missing, new = box.photo(None), box.photo(b"\xff\xd8JFIF new", sealed=True)
    before = {photo: box.path(photo) for photo in old}
    assert box.seal() == SealedAnew(sealed=3)
    assert not any(b"JFIF" in each for each in box.all_bytes())
    assert len(box.all_bytes()) == 4
    assert all(box.read(photo) == b"\xff\xd8JFIF open %d" % number for photo, number in old.items())
    # A page whose row was read a moment before.
    assert all(box.files.read(path).endswith(b"%d" % old[photo]) for photo, path in before.items())
    assert box.read(new) == b"\xff\xd8JFIF new"
    with pytest.raises(NoSuchFile):
        box.read(missing)
    assert box.seal() == SealedAnew()


@pytest.mark.parametrize("killed_at", ["write", "drop_open"])
def test_a_sealing_that_is_killed_is_done_by_the_next(
    box: Box, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    photos = [box.photo(b"picture %d" % number) for number in range(2)]
    with monkeypatch.context() as patch:
        owner = PhotoFiles if killed_at == "drop_open" else type(box.files.storage)
        patch.setattr(owner, killed_at, kill)
        with pytest.raises(Killed):
            box.seal()
    assert [box.read(photo) for photo in photos] == [b"picture 0", b"picture 1"]
    assert box.seal().sealed == (2 if killed_at == "write" else 1)
    assert [box.read(photo) for photo in photos] == [b"picture 0", b"picture 1"]
    with Database(box.database) as db, db.begin():
        db.execute(update(Photo).values(state="gone"))
    store = Photos(box.database, None, box.files.storage, Clock())  # type: ignore[arg-type]
    for photo in photos:
        store.forget(photo)
    assert not [each for each in box.all_bytes() if each.startswith(b"picture")]


def test_a_photo_that_is_erased_meanwhile_does_not_come_back(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = box.photo(b"picture", sealed=True)
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    renew, waited = PhotoFiles.renew, []

    def renew_while_it_is_forgotten(files: PhotoFiles, path: str) -> str | None:
        with box.database.connect() as other:
            waited.append(other.scalar(Photo.__table__.select().with_for_update(skip_locked=True)))
        return renew(files, path)

    monkeypatch.setattr(PhotoFiles, "renew", renew_while_it_is_forgotten)
    assert box.seal(only_open=False).sealed == 1
    assert waited == [None]  # the row is locked: who deletes the file waits
    assert box.read(photo) == b"picture"


def test_a_copied_damaged_or_foreign_file_does_not_open_and_alarms(box: Box) -> None:
    first, second = (box.photo(b"picture %d" % number, sealed=True) for number in range(2))
    one, two = (box.path(photo) for photo in (first, second))
    whole = box.media.read(two)
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    for content in (box.media.read(one), flipped, whole[:20], whole[:4]):
        box.media.write(two, content)
        with capture_logs() as logs, pytest.raises(SpoiledFile):
            box.read(second)
        assert [(each["event"], each["log_level"]) for each in logs] == [("photos.spoiled", "error")]
    for content in (b"\xff\xd8JFIF of somebody else", b""):
        box.media.write(two, content)
        with capture_logs() as logs, pytest.raises(KeyMissing):
            box.read(second)
        assert [(each["event"], each["log_level"]) for each in logs] == [("photos.no_key", "error")]
    assert box.read(first) == b"picture 0"


def test_after_a_change_of_keys_the_old_one_may_go_from_the_files_too(box: Box) -> None:
    photos = [box.photo(b"picture %d" % number, sealed=number > 0) for number in range(3)]
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    assert box.seal(only_open=False) == SealedAnew(sealed=3)
    assert box.seal(only_open=False) == SealedAnew()
    use_keyring(Keyring.parse(NEW))
    assert [box.read(photo) for photo in photos] == [b"picture 0", b"picture 1", b"picture 2"]
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    with capture_logs(), pytest.raises(KeyMissing):
        box.read(photos[0])
    with capture_logs():
        assert box.seal(only_open=False) == SealedAnew(lost=3)


def test_rotate_keys_seals_the_photos_too_and_says_what_does_not_open(box: Box) -> None:
    photo = box.photo(b"picture")
    spoiled = box.photo(b"other", sealed=True)
    settings = settings_for(str(box.database.url.render_as_string(hide_password=False)))
    app = Flask(__name__)
    add_commands(app, settings.model_copy(update=box.media.settings), load_lexicon(), create_app, Clock())
    run = app.test_cli_runner().invoke
    first = run(args=["rotate-keys"])
    assert (first.exit_code, "1 photos sealed anew" in first.output) == (0, True)
    assert box.read(photo) == b"picture"
    box.media.write(box.path(spoiled), b"junk" + box.media.read(box.path(spoiled))[4:])
    with capture_logs():
        second = run(args=["rotate-keys"])
    assert (second.exit_code, "1 photos open with none of DATA_KEYS" in second.output) == (1, True)
    box.media.go_away()
    third = run(args=["rotate-keys"])
    said = {"MEDIA_DIR cannot be sealed anew: ENOENT", "S3_URL cannot be sealed anew: ConnectionClosedError"}
    assert (third.exit_code, [each in third.output for each in said].count(True)) == (1, 1)


def test_while_the_storage_is_away_nothing_is_said_about_its_files(box: Box) -> None:
    photo = box.photo(b"picture", sealed=True)
    box.media.go_away()
    with pytest.raises(StorageTrouble):
        box.read(photo)
    assert box.files.has(box.path(photo))


def test_the_worker_seals_a_folder_from_before(desk: Desk) -> None:
    box = Box(desk.database, FolderStore(desk.folder))
    photo = box.photo(b"\xff\xd8JFIF open")
    desk.context.run_job("seal_photo_files", 20261130_17)
    assert box.path(photo).endswith(SEALED)
    assert not any(b"JFIF" in each for each in box.all_bytes())
