"""Draw the demo's pictures of appeals, visits and signed sheets."""

import io
from datetime import datetime
from pathlib import PurePath
from random import Random

from PIL import Image, ImageDraw
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.photos.files import SEALED, PhotoFiles
from bot.photos.folder import DiskTrouble, NoSuchFile
from models.people.photo import Photo, attach_photos

_FOLDER = "demo"
_SCENE, _PAGE = (800, 600), (600, 840)
_WALLS = ("#c9a173", "#b98a5e", "#d8c3a5", "#a8754f")
_HILLS = ("#5b7f4a", "#6f9457", "#87a566", "#4c6f52")


def picture(db: Session, subject: str, number: int, conversation_id: int, when: datetime) -> None:
    """Attach a picture that was sent from this conversation and has been fetched."""
    name = f"{_FOLDER}/{subject}-{number}.jpg"
    sent = {"media_id": name, "pic_url": f"https://pictures.example/{name}"}
    fetched = attach_photos(db, subject, number, conversation_id, [sent], when)
    db.execute(update(Photo).where(Photo.id.in_(fetched)).values(state="kept", path=name + SEALED))


def draw_pictures(db: Session, files: PhotoFiles) -> None:
    """Put the files where the web process looks for them (MEDIA_DIR); those that are there stay."""
    ours = select(Photo.subject, Photo.path).where(Photo.path.startswith(f"{_FOLDER}/"), Photo.state == "kept")
    for subject, path in db.execute(ours):
        if path and not _is_drawn(files, path):
            written, lot = io.BytesIO(), Random(PurePath(path.removesuffix(SEALED)).name)  # noqa: S311
            (_sheet() if subject == "mandate" else _scene(lot)).save(written, "JPEG")
            files.write(path, written.getvalue())


def _is_drawn(files: PhotoFiles, path: str) -> bool:
    """Tell whether the picture is there. At the demo's first start there is no folder either."""
    try:
        files.read(path)
    except (NoSuchFile, DiskTrouble):
        return False
    return True


def _scene(lot: Random) -> Image.Image:
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
    return scene


def _sheet() -> Image.Image:
    """Draw lines of writing, a signature and a thumb print."""
    page = Image.new("RGB", _PAGE, "white")
    pen = ImageDraw.Draw(page)
    for top in range(120, 560, 40):
        pen.line((80, top, 520 - top % 130, top), fill="grey", width=3)
    pen.line((300, 700, 330, 660, 350, 705, 380, 665, 420, 690), fill="black", width=4)
    pen.ellipse((440, 650, 490, 715), fill="firebrick")
    return page
