"""A backup is whole and can be restored, or it says what is wrong with it; the bot goes on beside it.

Slow: each starts pg_dump and pg_restore.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg import sql
from sqlalchemy import make_url, text, update
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.books.sealing import seal_all
from bot.upkeep.backup.manifest import DATABASE, MANIFEST, PHOTOS, File, measure
from config.settings import ROOT
from models.core.database import connect
from models.people.photo import Photo
from models.people.user import User
from tests.harness.command_line import run
from tests.harness.own_secrets import OWN_SECRETS
from tests.harness.processes.workers import until
from tests.harness.stage import Stage, settings_for
from tests.scenes.gallery import Gallery

pytestmark = pytest.mark.slow


@pytest.fixture
def gallery(stage: Stage, tmp_path: Path) -> Gallery:
    gallery = Gallery(stage, tmp_path / "media")
    seal_all(stage.database)
    return gallery


@pytest.fixture
def backup(gallery: Gallery, tmp_path: Path) -> Path:
    """A backup of an appeal with two pictures."""
    taken = run(gallery.stage.app, "backup", str(tmp_path / "backup"))
    assert taken.exit_code == 0, taken.output
    return tmp_path / "backup"


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    server = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    name = f"bangfu_restored_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield make_url(postgres_url).set(database=name).render_as_string(False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Place:
    """An empty machine: a database with nothing in it, and no photo."""

    def __init__(self, url: str, media: Path) -> None:
        self.url, self.media = url, media
        self.settings = settings_for(url).model_copy(update={"media_dir": str(media)})
        self.app: Flask = create_app(self.settings)

    def restore(self, source: Path, *options: str) -> Result:
        return run(self.app, "restore", "--prove", *options, str(source))

    def tables(self) -> int:
        with psycopg.connect(make_url(self.url).set(drivername="postgresql").render_as_string(False)) as connection:
            [count] = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() or [0]
            return int(count)

    def close(self) -> None:
        self.app.extensions["bangfu"]["turns"].database.dispose()


@pytest.fixture
def place(empty_database: str, tmp_path: Path) -> Iterator[Place]:
    place = Place(empty_database, tmp_path / "elsewhere")
    yield place
    place.close()


def rewrite(backup: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    change(manifest)
    (backup / MANIFEST).write_text(json.dumps(manifest))


def test_what_was_backed_up_is_restored_and_proved(gallery: Gallery, backup: Path, place: Place) -> None:
    restored = place.restore(backup)
    assert restored.exit_code == 0, restored.output
    said = restored.output
    assert "WRONG" not in said
    for what in ("keys", "files", "rows", "head of the audit chain", "books", "sealed values", "photos"):
        assert f"proved   {what}: " in said
    assert "a sample of 2 of 2, 2 of which open" in said
    database = connect(place.url)
    with Database(database) as db, Database(gallery.stage.database) as before:
        assert [user.phone for user in db.query(User).all()] == [user.phone for user in before.query(User).all()]
    database.dispose()


def test_nobody_else_reads_a_backup_and_no_key_is_in_it(gallery: Gallery, backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o700
    settings = gallery.stage.settings
    ours = [settings.data_keys, settings.secret_key, settings.wechat_app_secret, settings.wechat_aes_key]
    for file in backup.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert not [secret for secret in ours if secret.get_secret_value().encode() in file.read_bytes()]


def test_the_bot_goes_on_while_it_is_backed_up(gallery: Gallery, place: Place, tmp_path: Path) -> None:
    """What people write meanwhile is in the backup as far as its one moment has it: rows, trail and books agree."""
    stage, ended = gallery.stage, threading.Event()
    before = run(stage.app, "backup", str(tmp_path / "before"))
    taken: list[Result] = []

    def take() -> None:
        beside = create_app(stage.settings, stage.clock)
        taken.append(run(beside, "backup", str(tmp_path / "backup")))
        beside.extensions["bangfu"]["turns"].database.dispose()
        ended.set()

    thread = threading.Thread(target=take)
    thread.start()
    turns = 0
    while not ended.is_set() or turns < 5:
        turns += 1
        stage.register(f"o-new-{turns}", "resident")
        stage.say(f"o-new-{turns}", "菜单")
    thread.join()
    assert (before.exit_code, taken[0].exit_code) == (0, 0), taken[0].output
    restored = place.restore(tmp_path / "backup")
    assert restored.exit_code == 0, restored.output


def _cut(backup: Path) -> None:
    (backup / DATABASE).write_bytes((backup / DATABASE).read_bytes()[:-100])


def _changed(backup: Path) -> None:
    content = bytearray((backup / PHOTOS).read_bytes())
    content[2_000] ^= 1
    (backup / PHOTOS).write_bytes(content)


def _gone(backup: Path) -> None:
    (backup / PHOTOS).unlink()


def _no_manifest(backup: Path) -> None:
    (backup / MANIFEST).unlink()


def _half_a_manifest(backup: Path) -> None:
    (backup / MANIFEST).write_bytes((backup / MANIFEST).read_bytes()[:-100])


def _newer(backup: Path) -> None:
    rewrite(backup, lambda manifest: manifest.update(migration="9999"))


def _other_form(backup: Path) -> None:
    rewrite(backup, lambda manifest: manifest.update(form="bangfu-backup-9"))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_cut, "database.dump is not as it was written"),
        (_changed, "photos.tar is not as it was written"),
        (_gone, "photos.tar cannot be read: No such file"),
        (_no_manifest, "is no backup: it has no manifest.json"),
        (_half_a_manifest, "manifest.json is not as it was written"),
        (_newer, "this release is older than the backup: it does not know migration 9999"),
        (_other_form, "of another release"),
    ],
)
def test_what_is_not_whole_is_refused_before_anything_is_loaded(
    backup: Path, place: Place, damage: Callable[[Path], None], why: str
) -> None:
    damage(backup)
    refused = place.restore(backup)
    assert refused.exit_code == 1
    assert why in refused.output
    assert place.tables() == 0
    assert not place.media.exists()


def test_a_database_that_is_not_empty_is_left_alone(gallery: Gallery, backup: Path) -> None:
    refused = run(gallery.stage.app, "restore", "--prove", str(backup))
    assert refused.exit_code == 1
    assert "the database is not empty" in refused.output


def test_a_key_that_is_missing_is_named_at_once(backup: Path, place: Place) -> None:
    other = settings_for(place.url).model_copy(update={"media_dir": str(place.media)})
    key = type(other.data_keys)(OWN_SECRETS["DATA_KEYS"])
    app = create_app(other.model_copy(update={"data_keys": key}))
    refused = run(app, "restore", "--prove", str(backup))
    app.extensions["bangfu"]["turns"].database.dispose()
    create_app(place.settings).extensions["bangfu"]["turns"].database.dispose()  # with the key of the other tests
    assert refused.exit_code == 1
    assert "DATA_KEYS lacks a key of this backup: 2107c563 (" in refused.output
    assert place.tables() == 0


def test_rows_and_heads_that_differ_from_what_was_noted_are_told(backup: Path, place: Place) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"]["public.users"] += 1
        manifest["heads"]["audit"] = manifest["heads"]["audit"][:-4] + "0000"

    rewrite(backup, change)
    told = place.restore(backup)
    assert told.exit_code == 1
    assert "WRONG    rows: 1 tables differ: public.users 1 and not 2" in told.output
    assert "WRONG    head of the audit chain" in told.output
    assert "not_as_noted" in told.output
    assert "NOT PROVED: rows, head of the audit chain, books" in told.output


def test_a_head_that_was_noted_elsewhere_counts(backup: Path, place: Place) -> None:
    told = place.restore(backup, "--head", f"1:{'0' * 64}")
    assert told.exit_code == 1
    assert "NOT PROVED: books." in told.output


def test_books_that_were_wrong_and_photos_that_were_spoiled_are_told(
    gallery: Gallery, place: Place, tmp_path: Path
) -> None:
    stage = gallery.stage
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_events SET actor = 'user:99' WHERE id = 1"))
    spoiled = next(gallery.folder.rglob("*.sealed"))
    spoiled.write_bytes(spoiled.read_bytes()[:-1])
    assert run(stage.app, "backup", str(tmp_path / "backup")).exit_code == 0
    told = place.restore(tmp_path / "backup")
    assert told.exit_code == 1
    assert "NOT PROVED: books, photos." in told.output


def test_a_photo_without_a_file_is_named_and_one_that_was_removed_is_not(gallery: Gallery, tmp_path: Path) -> None:
    _, second = gallery.pictures
    third = gallery.keep("appeal", gallery.appeal)
    with Database(gallery.stage.database) as db, db.begin():
        gallery.files.delete(db.get_one(Photo, second).path or "")
        gallery.files.delete(db.get_one(Photo, third).path or "")
        db.execute(update(Photo).where(Photo.id == third).values(state="gone"))
    taken = run(gallery.stage.app, "backup", str(tmp_path / "backup"))
    assert taken.exit_code == 1
    assert f"whole but for 1 photos whose file is not there: {second}" in taken.output
    assert (tmp_path / "backup" / MANIFEST).is_file()


def test_of_several_servers_the_one_that_takes_writes_is_backed_up(gallery: Gallery, tmp_path: Path) -> None:
    url = gallery.stage.database.url
    both = {"host": (str(tmp_path / "nowhere"), str(url.query["host"])), "target_session_attrs": "read-write"}
    several = url.update_query_dict(both).render_as_string(hide_password=False)
    app = create_app(settings_for(several).model_copy(update={"media_dir": str(gallery.folder)}))
    taken = run(app, "backup", str(tmp_path / "backup"))
    app.extensions["bangfu"]["turns"].database.dispose()
    assert taken.exit_code == 0, taken.output


def test_each_backup_gets_a_folder_of_its_own(gallery: Gallery, backup: Path) -> None:
    again = run(gallery.stage.app, "backup", str(backup))
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert isinstance(measure(backup / DATABASE), File)


def test_one_that_was_killed_is_never_taken_for_a_backup_and_can_be_made_anew(gallery: Gallery, tmp_path: Path) -> None:
    """It is killed while it waits for a photo that never comes: a pipe that nobody writes to."""
    path = next(gallery.folder.rglob("*.sealed"))
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    settings = gallery.stage.settings
    ours = {"BANGFU_ENV": "demo", "DATABASE_URL": settings.database_url, "MEDIA_DIR": settings.media_dir}
    target = tmp_path / "backup"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "backup", str(target)]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | ours, stdout=subprocess.PIPE) as killed:
        until((tmp_path / "backup.part" / PHOTOS).exists)
        killed.send_signal(signal.SIGKILL)
    assert not target.exists()
    half = run(gallery.stage.app, "restore", str(tmp_path / "backup.part"))
    assert "what was cut off in the middle is called ….part" in half.output
    path.unlink()
    path.write_bytes(content)
    assert run(gallery.stage.app, "backup", str(target)).exit_code == 0
    assert not (tmp_path / "backup.part").exists()


def test_a_backup_is_proved_without_a_server_of_ones_own(gallery: Gallery, backup: Path) -> None:
    proved = run(gallery.stage.app, "restore", "--prove", "--scratch", str(backup))
    assert proved.exit_code == 0, proved.output
    assert "This backup can be restored. What it was loaded into is thrown away." in proved.output
