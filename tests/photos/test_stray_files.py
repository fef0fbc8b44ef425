"""Files of photos that no row names go after a day, and nothing else does."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database

from bot.photos.folder import PhotoFolder
from bot.photos.stray_files import MOST_STRAYS, STRAY_AFTER, sweep_stray_files
from bot.work.clock import true_now
from models.core.database import connect
from models.people.photo import Photo
from tests.harness.processes.worker_desk import Desk, jpeg


class Shelves:
    def __init__(self, database: Engine, root: Path) -> None:
        self.database, self.folder = database, PhotoFolder(root)

    def file(self, path: str, age: timedelta = STRAY_AFTER + timedelta(minutes=1)) -> Path:
        self.folder.write(path, b"picture")
        written = (true_now() - age).timestamp()
        os.utime(self.folder.root / path, (written, written))
        return self.folder.root / path

    def named(self, state: str = "kept") -> Path:
        with Database(self.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=1, media_id="m", pic_url="", state=state, created_at=true_now())
            db.add(photo)
            db.flush()
            photo.path = f"{photo.id % 1000:03}/{photo.id}-{photo.id:016x}.jpg"
            return self.file(photo.path)

    def sweep(self) -> int:
        return sweep_stray_files(self.database, self.folder, true_now())


@pytest.fixture
def shelves(database_url: str, tmp_path: Path) -> Iterator[Shelves]:
    database = connect(database_url)
    yield Shelves(database, tmp_path / "media")
    database.dispose()


def test_what_no_row_names_goes_after_a_day(shelves: Shelves) -> None:
    kept = [shelves.named(), shelves.named("gone"), shelves.named("lost")]
    number = int(kept[0].name.partition("-")[0])
    young = shelves.file("007/7-00000000000000ff.jpg", STRAY_AFTER - timedelta(minutes=1))
    elsewhere = [shelves.file("demo/appeal-1.jpg"), shelves.file("notes.txt")]
    strays = [
        shelves.file(f"{number:03}/{number}-00000000000000aa.jpg"),  # of a photo whose row names another file
        shelves.file("999/999-00000000000000aa.jpg"),  # of a photo that is in no row
        shelves.file(f"{number:03}/{number}-00000000000000ab.jpg.part"),  # of a fetch that was killed
        shelves.file("000/anything"),
    ]
    assert shelves.sweep() == len(strays)
    assert not any(file.exists() for file in strays)
    assert all(file.exists() for file in (*kept, young, *elsewhere))
    assert shelves.sweep() == 0


def test_the_folder_of_another_database_is_left_alone(shelves: Shelves) -> None:
    shelves.named()
    for number in range(MOST_STRAYS + 1):
        shelves.file(f"{number:03}/{number}-00000000000000aa.jpg")
    assert shelves.sweep() == 0
    assert len(list(shelves.folder.root.rglob("*.jpg"))) == MOST_STRAYS + 2


def test_without_a_folder_there_is_nothing_to_sweep(shelves: Shelves) -> None:
    assert shelves.sweep() == 0


def test_the_job_finds_what_a_killed_worker_left(desk: Desk) -> None:
    photo = desk.fetched(jpeg())
    folder = Shelves(desk.database, desk.context.folder)
    stray = folder.file("001/1-00000000000000aa.jpg.part")
    desk.context.run_job("sweep_photo_files", 20261130)
    assert not stray.exists()
    assert desk.picture(photo)
