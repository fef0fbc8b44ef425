"""Everybody's pages of the demo's year, all of them: nobody is in them who did not agree to be, planted ones included.

Slow: it opens some thousand pages.
"""

import io
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from bot.app import create_app
from bot.demo.dump import load_dump
from bot.photos.files import PhotoFiles
from bot.photos.public_copies import PublicCopies
from bot.storage.folder import Folder
from models.appeals.appeal import Appeal
from models.core.database import connect
from models.core.state_machine import Actor
from models.disbursements.payee import Payee
from models.goods.rounds.round import Round
from models.market.listing import Listing
from models.oversight.pictures import open_gallery, record_gallery_access
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User
from models.places.region import covers
from models.public.album import SHOWN_IN
from models.public.appeal_page import agree, may_have_page, open_pages, record_look
from models.public.photo_review import approve
from models.staff.member import Staff
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.processes.worker_desk import jpeg
from tests.harness.stage import id_number, settings_for

BEGIN = ("/", "/ledger", "/numbers", "/notices", "/trace")
MOST = 5_000
PHOTOS = 12
_LINK = re.compile(r'(?:href|src)="(/[^"#]*)"')
# An ID number, a phone number, a card's number, in the plain text of a page: no code of ours looks like one.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|1[3-9]\d{9})(?![0-9A-Za-z])")
PHONE, CARD = "13912345678", "6222020200112233445"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Engine]]:
    """The year with every page open that may be, and planted in stories and photos what must not be seen."""
    url, folder = databases.create(), tmp_path_factory.mktemp("media")
    database = connect(url, collects=True)
    at = load_dump(database, url).at
    files = PhotoFiles(Folder(folder))
    with Session(database) as db, db.begin():
        _open_pages(db, at)
    for review in _approved(database, files, at):
        PublicCopies(database, files, lambda: at).keep_up(review)
    app = create_app(settings_for(url).model_copy(update={"media_dir": str(folder)}), clock=lambda: at)
    yield app, database
    app.extensions["bangfu"]["turns"].database.dispose()
    database.dispose()
    databases.drop(url)


def _open_pages(db: Session, at: datetime) -> None:
    may = select(Appeal).join(User, User.id == Appeal.owner_id).where(may_have_page(at))
    for appeal in db.scalars(may).all():
        owner = db.get_one(User, appeal.owner_id)
        appeal.story += f"\n联系人{owner.name}，电话{PHONE}，卡号{CARD}，身份证{id_number(7)}。"
        db.flush()
        record_look(db, appeal.id, Actor.owner(owner.id), at)
        agree(db, appeal.id, Actor.owner(owner.id), at)


def _approved(database: Engine, files: PhotoFiles, at: datetime) -> Iterator[int]:
    """Give the first photos a file that says where it was taken, and let a county's officer approve them."""
    taken = Image.Exif()
    taken[0x010E] = PHONE
    taken.get_ifd(0x8825)[2] = (25.0, 31.0, 12.0)
    with Session(database) as db:
        public = Photo.subject_id.in_(open_pages(at)) & Appeal.state.in_(SHOWN_IN)
        photos = select(Photo.id, Photo.subject_id, Appeal.region_code).join(Appeal, Appeal.id == Photo.subject_id)
        kept = photos.where(Photo.subject == "appeal", Photo.state == "kept", public).order_by(Photo.id)
        chosen = db.execute(kept.limit(PHOTOS)).all()
        officers = db.scalars(select(Staff).where(Staff.role == "county", Staff.state == "active")).all()
    for photo, number, place in chosen:
        officer = next(one.id for one in officers if covers(one.region_code, place))
        with Session(database) as db, db.begin():
            db.get_one(Photo, photo).path = files.write(f"{photo}.jpg", jpeg((800, 600), exif=taken))
            record_gallery_access(db, open_gallery(db, officer, "appeal", number, at), officer, at)
        with Session(database) as db, db.begin():
            review = approve(db, db.get_one(Staff, officer), number, photo, at).id
        yield review


def _needles(db: Session) -> set[str]:
    """What no page may show: names, numbers and ids of everybody whom the database knows."""
    found: set[str | None] = {PHONE, CARD, id_number(7)}
    for user in db.scalars(select(User)):
        found |= {user.name, user.id_number, user.phone}
    found |= set(db.scalars(select(Conversation.openid)))
    found |= {seat.name for seat in db.scalars(select(Staff))} | {seat.id_number for seat in db.scalars(select(Staff))}
    for payee in db.scalars(select(Payee)):
        found |= {payee.name, payee.account}
    return {needle for needle in found if needle and len(needle) > 1}


def _walk(app: Flask, begin: list[str]) -> Iterator[tuple[str, TestResponse]]:
    """Open these pages and all to which they lead, once each."""
    client, waiting, seen = app.test_client(), list(begin), set(begin)
    while waiting:
        path = waiting.pop()
        answer = client.get(path)
        yield path, answer
        if answer.mimetype == "text/html":
            new = [link.replace("&amp;", "&") for link in _LINK.findall(answer.text)]
            waiting += [link for link in dict.fromkeys(new) if link not in seen]
            seen |= set(new)
        assert len(seen) < MOST, "the pages have no end"


def test_nobody_is_on_a_page_of_everybodys(opened: tuple[Flask, Engine]) -> None:
    app, database = opened
    with Session(database) as db:
        needles = _needles(db)
        appeals = db.scalars(select(Appeal.id)).all()
        rounds = db.scalars(select(Round.id)).all()
        listings = db.scalars(select(Listing.id)).all()
    begin = [*BEGIN, *(f"/a/{number}" for number in appeals), *(f"/a/{number}/poster" for number in appeals)]
    begin += [f"/l/{number}" for number in listings]
    begin += [f"/goods/rounds/{number}{kind}" for number in rounds for kind in ("", "/json")]
    pages = pictures = open_ones = for_sale = 0
    for path, answer in _walk(app, begin):
        assert answer.status_code in (200, 303, 404, 410), path
        if (answer.mimetype or "").startswith("image/"):
            with Image.open(io.BytesIO(answer.data)) as picture:
                assert (dict(picture.getexif()), picture.info.get("exif")) == ({}, None), path
            pictures += 1
            continue
        text = answer.get_data(as_text=True)
        there = [needle for needle in needles if needle in text]
        assert there == [], f"{path} shows {len(there)} of somebody"
        plain = re.sub(r"<[^>]+>", " ", text)
        assert not _NUMBER.search(plain), path
        pages += 1
        open_ones += path.startswith("/a/") and answer.status_code == 200
        for_sale += path.startswith("/l/") and answer.status_code == 200
    assert for_sale > 0
    assert pages > 100
    assert open_ones > 20
    assert pictures >= PHOTOS
