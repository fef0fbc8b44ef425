"""Files of photos that no row names go after a day, and nothing else does."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database

from bot.photos.stray_files import MOST_STRAYS, STRAY_AFTER, sweep_stray_files
from bot.storage.folder import Folder
from bot.storage.interface import Storage
from bot.work.clock import true_now
from models.core.database import connect
from models.people.photo import Photo
from tests.harness.processes.media import MediaStore
from tests.harness.processes.worker_desk import Desk, jpeg

HOUR = timedelta(hours=1)


class Shelves:
    def __init__(self, database: Engine, storage: Storage) -> None:
        self.database, self.storage = database, storage

    def file(self, path: str) -> str:
        self.storage.write(path, b"picture")
        return path

    def named(self, state: str = "kept") -> str:
        with Database(self.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=1, media_id="m", pic_url="", state=state, created_at=true_now())
            db.add(photo)
            db.flush()
            photo.path = f"{photo.id % 1000:03}/{photo.id}-{photo.id:016x}.jpg"
            return self.file(photo.path)

    def sweep(self, after: timedelta = STRAY_AFTER + HOUR) -> int:
        """As the sweep does so long after all files were written."""
        return sweep_stray_files(self.database, self.storage, true_now() + after)


@pytest.fixture
def shelves(database_url: str, media: MediaStore) -> Iterator[Shelves]:
    database = connect(database_url)
    yield Shelves(database, media.storage)
    database.dispose()


def test_what_no_row_names_goes_after_a_day(shelves: Shelves, media: MediaStore) -> None:
    kept = [shelves.named(), shelves.named("gone"), shelves.named("lost")]
    number = int(kept[0].partition("/")[2].partition("-")[0])
    elsewhere = [shelves.file("demo/appeal-1.jpg"), shelves.file("notes.txt"), shelves.file("public/007/7-1.jpg")]
    strays = [
        shelves.file(f"{number:03}/{number}-00000000000000aa.jpg"),  # of a photo whose row names another file
        shelves.file("999/999-00000000000000aa.jpg"),  # of a photo that is in no row
        shelves.file(f"{number:03}/{number}-00000000000000ab.jpg.part"),  # of a fetch that was killed
        shelves.file("000/anything"),
    ]
    assert shelves.sweep(STRAY_AFTER - HOUR) == 0
    assert len(media.paths()) == 10
    assert shelves.sweep() == len(strays)
    assert media.paths() == sorted([*kept, *elsewhere])
    assert shelves.sweep() == 0


def test_the_storage_of_another_database_is_left_alone(shelves: Shelves, media: MediaStore) -> None:
    shelves.named()
    for number in range(MOST_STRAYS + 1):
        shelves.file(f"{number:03}/{number}-00000000000000aa.jpg")
    assert shelves.sweep() == 0
    assert len(media.paths()) == MOST_STRAYS + 2


def test_without_any_file_there_is_nothing_to_sweep(shelves: Shelves) -> None:
    assert shelves.sweep() == 0


def test_the_job_finds_what_a_killed_worker_left(desk: Desk) -> None:
    photo = desk.fetched(jpeg())
    folder = Shelves(desk.database, Folder(desk.folder))
    stray, written = desk.folder / folder.file("001/1-00000000000000aa.jpg.part"), true_now() - STRAY_AFTER - HOUR
    os.utime(stray, (written.timestamp(), written.timestamp()))
    desk.context.run_job("sweep_photo_files", 20261130)
    assert not stray.exists()
    assert desk.picture(photo)
