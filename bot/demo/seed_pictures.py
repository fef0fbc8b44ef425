"""Draw the demo's pictures of appeals, visits and signed sheets."""

import io
from datetime import datetime
from functools import cache
from pathlib import PurePath
from random import Random

from PIL import Image, ImageDraw
from sqlalchemy import String, cast, select, update
from sqlalchemy.orm import Session

from bot.photos.files import SEALED, PhotoFiles
from bot.storage.interface import NoSuchFile, StorageTrouble
from models.people.photo import Photo, attach_photos

_FOLDER = "demo"
# Those of the year are many: they are small, and few are different.
_YEARS, _DIFFERENT = "year-", 24
_SCENE, _SMALL, _PAGE = (800, 600), (320, 240), (600, 840)
_WALLS = ("#c9a173", "#b98a5e", "#d8c3a5", "#a8754f")
_HILLS = ("#5b7f4a", "#6f9457", "#87a566", "#4c6f52")


def picture(db: Session, subject: str, number: int, conversation_id: int, when: datetime) -> None:
    """Attach a picture that was sent from this conversation and has been fetched."""
    name = f"{_FOLDER}/{subject}-{number}.jpg"
    sent = {"media_id": name, "pic_url": f"https://pictures.example/{name}"}
    fetched = attach_photos(db, subject, number, conversation_id, [sent], when)
    db.execute(update(Photo).where(Photo.id.in_(fetched)).values(state="kept", path=name + SEALED))


def name_pictures_of_the_year(db: Session) -> None:
    """Let ``draw_pictures`` draw anew, wherever the year is loaded, what its people have sent."""
    sent = (Photo.state == "kept") & Photo.path.not_like(f"{_FOLDER}/%")
    db.execute(update(Photo).where(sent).values(path=f"{_FOLDER}/{_YEARS}" + cast(Photo.id, String) + f".jpg{SEALED}"))


def draw_pictures(db: Session, files: PhotoFiles) -> None:
    """Put the files where the web process looks for them (MEDIA_DIR); those that are there stay.

    Ends the session's transaction first, since drawing takes longer than one may stay open.
    """
    ours = select(Photo.subject, Photo.path).where(Photo.path.startswith(f"{_FOLDER}/"), Photo.state == "kept")
    wanted = db.execute(ours).all()
    db.commit()
    for subject, path in wanted:
        if path and not _is_drawn(files, path):
            files.write(path, _drawn(subject, PurePath(path.removesuffix(SEALED)).name))


def _drawn(subject: str, name: str) -> bytes:
    if name.startswith(_YEARS):
        return _scene_of_the_year(int(name.removeprefix(_YEARS).removesuffix(".jpg")) % _DIFFERENT)
    lot = Random(name)  # noqa: S311
    return _jpeg(_sheet() if subject == "mandate" else draw_scene(lot))


@cache
def _scene_of_the_year(serial: int) -> bytes:
    return _jpeg(draw_scene(Random(serial), small=True))  # noqa: S311


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG")
    return written.getvalue()


def _is_drawn(files: PhotoFiles, path: str) -> bool:
    """Tell whether the picture is there. At the demo's first start there is no folder either."""
    try:
        files.read(path)
    except (NoSuchFile, StorageTrouble):
        return False
    return True


def draw_scene(lot: Random, *, small: bool = False) -> Image.Image:
    """Draw a random house before hills."""
    width, height = _SCENE
    scene = Image.new("RGB", _SCENE, "#cfe3ee")
    pen = ImageDraw.Draw(scene)
    for depth in range(3):
        top, colour = 180 + 70 * depth, lot.choice(_HILLS)
        for _ in range(3):
            middle, half = lot.randrange(width), lot.randrange(200, 420)
            pen.ellipse((middle - half, top, middle + half, top + 2 * half), fill=colour)
    pen.rectangle((0, 460, width, height), fill="#8d7b52")
    left, wide = lot.randrange(120, 380), lot.randrange(220, 320)
    pen.rectangle((left, 330, left + wide, 500), fill=lot.choice(_WALLS))
    pen.polygon((left - 30, 335, left + wide // 2, 240, left + wide + 30, 335), fill="#5c4a42")
    pen.rectangle((left + wide // 2 - 25, 400, left + wide // 2 + 25, 500), fill="#4a3426")
    return scene.resize(_SMALL) if small else scene


def _sheet() -> Image.Image:
    """Draw lines of writing, a signature and a thumb print."""
    page = Image.new("RGB", _PAGE, "white")
    pen = ImageDraw.Draw(page)
    for top in range(120, 560, 40):
        pen.line((80, top, 520 - top % 130, top), fill="grey", width=3)
    pen.line((300, 700, 330, 660, 350, 705, 380, 665, 420, 690), fill="black", width=4)
    pen.ellipse((440, 650, 490, 715), fill="firebrick")
    return page
