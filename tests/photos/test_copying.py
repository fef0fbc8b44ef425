"""The photos of a folder go into a bucket while the bot runs, and nothing that was erased meanwhile comes back."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.app import create_app
from bot.cli.commands import add_commands
from bot.photos.copying import Copied, LiesOpen, copy_media
from bot.photos.files import PhotoFiles
from bot.photos.sealing import seal_files
from bot.photos.store import Photos
from bot.storage.interface import StorageTrouble
from bot.words.lexicon import load_lexicon
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.people.photo import Photo
from tests.harness.processes.door import Way
from tests.harness.processes.media import BucketStore, FolderStore
from tests.harness.processes.s3 import S3
from tests.harness.stage import Clock, Stage, settings_for
from tests.scenes.public_photos import Album

NEW = base64.b64encode(bytes(range(32))).decode()


class Move:
    """A folder from which the photos go, and the bucket into which they go."""

    def __init__(self, database: Engine, s3: S3, root: Path) -> None:
        self.database, self.s3 = database, s3
        self.folder, self.bucket = FolderStore(root), BucketStore(s3)
        self.old, self.new = PhotoFiles(self.folder.storage), PhotoFiles(self.bucket.storage)

    def photo(self, files: PhotoFiles, content: bytes) -> int:
        """A photo that a worker fetches into its storage."""
        with Database(self.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=1, media_id="m", pic_url="", state="kept")
            photo.created_at = datetime.now(UTC)
            db.add(photo)
            db.flush()
            photo.path = files.write(f"{photo.id % 1000:03}/{photo.id}-00ff.jpg", content)
            return photo.id

    def forget(self, photo: int, files: PhotoFiles) -> None:
        with Database(self.database) as db, db.begin():
            db.execute(update(Photo).where(Photo.id == photo).values(state="gone"))
        Photos(self.database, None, files.storage, Clock()).forget(photo)  # type: ignore[arg-type]

    def copy(self) -> Copied:
        return copy_media(self.database, self.folder.storage, self.bucket.storage)

    def read(self, photo: int) -> bytes:
        with Database(self.database) as db:
            return self.new.read(str(db.get_one(Photo, photo).path))


@pytest.fixture
def move(database_url: str, s3: S3, tmp_path: Path) -> Iterator[Move]:
    database = connect(database_url)
    yield Move(database, s3, tmp_path / "media")
    database.dispose()
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


def test_photos_are_copied_switched_over_and_the_rest_is_copied(move: Move) -> None:
    early = [move.photo(move.old, b"early %d" % number) for number in range(3)]
    assert move.copy() == Copied(photos=3)
    assert move.copy() == Copied()
    # While processes go over one by one, some still work in the folder and some already in the bucket.
    late, new = move.photo(move.old, b"late"), move.photo(move.new, b"new")
    move.forget(early[0], move.old)
    move.forget(early[1], move.new)
    assert move.copy() == Copied(photos=1)
    assert move.copy() == Copied()
    assert [move.read(photo) for photo in (early[2], late, new)] == [b"early 2", b"late", b"new"]
    there = {path.partition("/")[2].partition("-")[0] for path in move.s3.paths()}
    # Of what an old process erased there is a file, sealed and without a row, for the sweep of stray files.
    assert there == {str(photo) for photo in (early[0], early[2], late, new)}
    assert {move.folder.read(path) for path in move.folder.paths()} & {move.s3.read(path) for path in move.s3.paths()}


def test_what_is_sealed_anew_on_either_side_is_never_put_back_under_the_old_key(move: Move) -> None:
    photos = [move.photo(move.old, b"photo %d" % number) for number in range(2)]
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    assert move.copy() == Copied(photos=2)
    assert move.copy() == Copied(), "both under the old key: nothing is better there"
    seal_files(move.database, move.old, only_open=False)  # in the folder, before the switch
    assert move.copy() == Copied(photos=2)
    use_keyring(Keyring.parse(f"{SAMPLE_DATA_KEYS},{NEW}"))
    seal_files(move.database, move.new, only_open=False)  # in the bucket, after it
    assert move.copy() == Copied()
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    assert [move.read(photo) for photo in photos] == [b"photo 0", b"photo 1"]


def test_a_copying_that_is_stopped_goes_on(move: Move) -> None:
    photos = [move.photo(move.old, bytes(40_000 * number) + b"%d" % number) for number in range(3)]
    move.s3.door.set(Way.HALF, most=60_000)
    with pytest.raises(StorageTrouble):
        move.copy()
    move.s3.door.set(Way.OPEN)
    assert len(move.s3.paths()) == 2
    assert move.copy() == Copied(photos=1)
    assert [move.read(photo)[-1:] for photo in photos] == [b"0", b"1", b"2"]


def test_what_lies_open_is_not_copied_and_what_is_missing_is_named(move: Move) -> None:
    photo = move.photo(move.old, b"sealed")
    move.folder.delete(move.folder.paths()[0])
    with capture_logs() as logs:
        assert move.copy() == Copied(missing=1)
    assert [line["photo"] for line in logs if line["event"] == "photos.no_file"] == [photo]
    with Database(move.database) as db, db.begin():
        db.get_one(Photo, photo).path = "001/1-00ff.jpg"
    move.folder.write("001/1-00ff.jpg", b"JFIF open")
    with pytest.raises(LiesOpen):
        move.copy()
    assert move.s3.paths() == []


def test_public_copies_go_along_while_they_may_be_shown(database_url: str, s3: S3, tmp_path: Path) -> None:
    stage = Stage(database_url)
    album = Album(stage, tmp_path / "media")
    album.approve(album.pictures[0])
    folder, bucket = FolderStore(tmp_path / "media"), BucketStore(s3)
    assert copy_media(stage.database, folder.storage, bucket.storage) == Copied(photos=2, public=4)
    assert copy_media(stage.database, folder.storage, bucket.storage) == Copied()
    assert bucket.paths() == folder.paths()
    stage.close()


def test_the_command_says_what_it_did(move: Move) -> None:
    move.photo(move.old, b"photo")
    settings = settings_for(move.database.url.render_as_string(hide_password=False))
    said = []
    for more in ({}, move.s3.settings, move.s3.settings):
        app = Flask(__name__)
        given = settings.model_copy(update=move.folder.settings | more)
        add_commands(app, given, load_lexicon(), create_app, Clock())
        ran = app.test_cli_runner().invoke(args=["copy-media"])
        said.append((ran.exit_code, ran.output.splitlines()[-1]))
    assert said[0][0] == 2
    assert "S3_URL" in said[0][1]
    assert said[1:] == [(0, "1 photos and 0 public copies copied."), (0, "0 photos and 0 public copies copied.")]
