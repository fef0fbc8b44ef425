"""Hosts with disks of their own show one photo, by the pages that people open, where it lies in a bucket."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.books.export import DATA, MANIFEST
from bot.work.context import WorkerContext
from models.public import photo_review
from models.public.photos import file_name
from tests.harness.processes.door import Way
from tests.harness.processes.media import BucketStore
from tests.harness.processes.s3 import S3
from tests.harness.stage import Stage
from tests.scenes.gallery import shown
from tests.scenes.public_photos import Album


class Hosts:
    """Two web hosts, each with a disk of its own, and an appeal with pictures in the bucket that they share."""

    def __init__(self, stage: Stage, s3: S3, disks: Path) -> None:
        self.s3, self.disks = s3, disks
        stage.settings = stage.settings.model_copy(update={"media_dir": str(disks / "a")})
        self.album = Album(stage, disks / "a", BucketStore(s3))
        other = stage.settings.model_copy(update={"media_dir": str(disks / "b"), "export_dir": str(disks / "b")})
        self.second = create_app(other, clock=stage.clock)
        cookie = stage.visitor_cookie("o-zhou")
        self.clients: list[FlaskClient] = [stage.client, self.second.test_client()]
        for client in self.clients:
            client.set_cookie("bangfu_visitor", cookie)

    def get(self, path: str) -> tuple[int, bytes]:
        """What both hosts answer, which is the same."""
        first, second = (client.get(path) for client in self.clients)
        assert (first.status_code, first.data) == (second.status_code, second.data)
        first.close()
        second.close()
        return first.status_code, first.data


@pytest.fixture
def hosts(database_url: str, s3: S3, tmp_path: Path) -> Iterator[Hosts]:
    stage = Stage(database_url)
    hosts = Hosts(stage, s3, tmp_path)
    yield hosts
    hosts.second.extensions["bangfu"]["turns"].database.dispose()
    stage.close()


def test_an_officer_opens_the_pictures_at_any_host(hosts: Hosts) -> None:
    album = hosts.album
    page = album.open()
    assert page.status_code == 200
    pictures = shown(page)
    assert len(pictures) == 2
    for path in pictures:
        assert path.startswith("/picture/")
        status, picture = hosts.get(path)
        assert (status, picture[:2]) == (200, b"\xff\xd8")
    assert hosts.s3.name.encode() not in page.data
    # A stranger at either host gets none of it.
    for client in hosts.clients:
        client.delete_cookie("bangfu_visitor")
        assert client.get(pictures[0]).status_code in (302, 403)


def test_what_lies_in_the_bucket_tells_its_operator_nothing(hosts: Hosts) -> None:
    assert len(hosts.s3.paths()) == 2
    for path in hosts.s3.paths():
        assert re.fullmatch(r"\d+\.jpg\.sealed", path), "as the scene names them"
        assert not any(part in hosts.s3.read(path) for part in (b"JFIF", b"\xff\xd8\xff", b"Exif"))
    assert not [file for file in hosts.disks.rglob("*") if file.is_file()]


def test_a_public_photo_is_shown_by_any_host_and_gone_from_all_at_once(hosts: Hosts) -> None:
    album = hosts.album
    album.approve(album.pictures[0])
    [photo] = album.shown()
    page = album.stage.client.get(f"/a/{album.appeal}")
    assert page.status_code == 200
    addresses = set(re.findall(r"/a/\d+/photos/[0-9a-f]{32}-\d+\.(?:webp|jpg)", page.get_data(as_text=True)))
    assert f"/a/{album.appeal}/photos/{file_name(photo.name, 640, 'webp')}" in addresses
    assert hosts.s3.name not in page.get_data(as_text=True)
    for address in addresses:
        status, _ = hosts.get(address)
        assert status == 200
    assert len(album.files_there()) == 4
    with Database(album.stage.database) as db, db.begin():
        [review] = photo_review.take_down(db, None, album.appeal, album.stage.clock())
    assert {hosts.get(address)[0] for address in addresses} == {404}
    album.copies.keep_up(review)
    assert album.files_there() == []
    assert len(hosts.s3.paths()) == 2, "the sealed ones stay"


@pytest.mark.parametrize("fault", [Way.CLOSED, Way.REFUSING])
def test_while_the_bucket_is_away_pages_say_so_and_conversations_go_on(hosts: Hosts, fault: Way) -> None:
    album = hosts.album
    album.approve(album.pictures[0])
    [photo], [picture, _] = album.shown(), shown(album.open())
    public = f"/a/{album.appeal}/photos/{file_name(photo.name, 640, 'webp')}"
    hosts.s3.door.set(fault, code="AccessDenied", status=403)
    assert hosts.get(public)[0] == hosts.get(picture)[0] == 503
    assert album.open().status_code == 200
    assert album.stage.client.get(f"/a/{album.appeal}").status_code == 200
    assert album.stage.client.get("/ledger").status_code == 200
    assert album.stage.say("o-zhou", "菜单")


def test_the_ledger_is_published_by_a_worker_and_handed_out_by_any_host(hosts: Hosts, redis_url: str) -> None:
    assert hosts.get(f"/ledger/{MANIFEST}")[0] == 404
    context = WorkerContext(hosts.album.stage.settings.model_copy(update={"redis_url": redis_url}))
    context.run_job("check_books", 20261130)
    context.close()
    for name in (*DATA, MANIFEST, "verify.py"):
        status, content = hosts.get(f"/ledger/{name}")
        assert (status, content) == (200, hosts.s3.read(f"ledger/{name}"))
    part = hosts.clients[1].get("/ledger/verify.py", headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.data) == (206, hosts.s3.read("ledger/verify.py")[3:10])
    part.close()
    page = hosts.clients[1].get("/ledger")
    assert 'href="/ledger/manifest.json"' in page.get_data(as_text=True)
    assert not [file for file in hosts.disks.rglob("*") if file.is_file()]
