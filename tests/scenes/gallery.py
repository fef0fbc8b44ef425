"""A bot with a folder of pictures, and an appeal whose pictures an officer may open."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from bot.app import links_of
from bot.photos.files import PhotoFiles
from models.core.audit_trail import AuditEvent
from models.people.photo import Photo
from models.staff.member import Staff
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.processes.media import FolderStore, MediaStore
from tests.harness.stage import Stage


class Gallery:
    """A bot with a folder of pictures (or a bucket), an appeal with two of them, and the officer of the place."""

    def __init__(self, stage: Stage, folder: Path, media: MediaStore | None = None) -> None:
        self.stage, self.media = stage, media or FolderStore(folder)
        stage.settings = stage.settings.model_copy(update=self.media.settings)
        stage.app.extensions["bangfu"]["turns"].database.dispose()
        stage._open()
        self.folder, self.files = folder, PhotoFiles(self.media.storage)
        self.appeal = stage.open_appeal()
        self.pictures = [self.keep("appeal", self.appeal) for _ in range(2)]
        self.officer = stage.appoint("o-zhou", "village")

    def keep(self, subject: str, number: int, state: str = "kept") -> int:
        with Database(self.stage.database) as db, db.begin():
            photo = Photo(subject=subject, subject_id=number, media_id="m", pic_url="", state=state)
            photo.created_at = self.stage.clock()
            db.add(photo)
            db.flush()
            photo.path = self.files.write(f"{photo.id}.jpg", jpeg(scene(photo.id)))
            return photo.id

    def link(self, what: str = "", staff: int | None = None) -> str:
        links = links_of(self.stage.settings, self.stage.clock)
        return urlsplit(links.make("pictures", what or f"appeal:{self.appeal}", staff or self.officer)).path

    def get(self, path: str, openid: str = "o-zhou") -> TestResponse:
        return self.stage.browse(openid, path)

    def open(self, what: str = "", staff: int | None = None) -> TestResponse:
        with Database(self.stage.database) as db:
            openid = db.scalars(select(Staff.openid).where(Staff.id == (staff or self.officer))).one()
        return self.get(self.link(what, staff), openid or "")

    def looks(self) -> list[tuple[str, str, int, str | None, int | None]]:
        events = select(AuditEvent).where(AuditEvent.detail == "pictures").order_by(AuditEvent.id)
        with Database(self.stage.database) as db:
            return [(each.actor, each.subject, each.subject_id, each.detail, each.about) for each in db.scalars(events)]


def shown(answer: TestResponse) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', answer.get_data(as_text=True))


def refused(answer: TestResponse, *words: str) -> None:
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert all(word in page for word in (*words, "回复“看”"))
    assert "<img" not in page
