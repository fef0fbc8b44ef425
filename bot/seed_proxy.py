"""What an officer of the demo did for somebody without a phone: the signed sheet, the registration, an appeal."""

from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw
from sqlalchemy import update
from sqlalchemy.orm import Session

from models.appeal import Appeal
from models.card import issue_card
from models.mandate import Mandate, grant
from models.photo import Photo, attach
from models.proxy import use
from models.staff import Staff
from models.user import User

SHEET = "demo/sheet.jpg"
_PAGE = (600, 840)


class Proxies:
    """All sheets are one picture, which ``draw_sheet`` makes."""

    def __init__(self, db: Session, staff: dict[str, Staff], people: dict[str, int]) -> None:
        self.db, self.staff, self.people = db, staff, people

    def registered(self, officer: str, user: User, when: datetime) -> None:
        mandate = self._consent(officer, user, "register", when)
        use(self.db, mandate, self.staff[officer], "user", user.id, "", when)
        issue_card(self.db, user, self.staff[officer], when)

    def asked(self, officer: str, user: User, appeal: Appeal, when: datetime) -> None:
        mandate = self._consent(officer, user, "appeal", when)
        use(self.db, mandate, self.staff[officer], "appeal", appeal.id, appeal.title, when)

    def _consent(self, officer: str, user: User, scope: str, when: datetime) -> Mandate:
        draft_id = f"demo-sheet-{scope}-{user.id}"
        mandate = grant(self.db, self.staff[officer].id, user.id, "sheet", scope, draft_id, when)
        picture = {"media_id": draft_id, "pic_url": f"https://sheet.example/{scope}.jpg"}
        fetched = attach(self.db, "mandate", mandate.id, self.people[f"@{officer}"], [picture], when)
        self.db.execute(update(Photo).where(Photo.id.in_(fetched)).values(state="kept", path=SHEET))
        return mandate


def draw_sheet(media: Path) -> None:
    """A page with lines of writing, a signature and a thumb print, as the picture of a signed sheet."""
    page = Image.new("RGB", _PAGE, "white")
    pen = ImageDraw.Draw(page)
    for top in range(120, 560, 40):
        pen.line((80, top, 520 - top % 130, top), fill="grey", width=3)
    pen.line((300, 700, 330, 660, 350, 705, 380, 665, 420, 690), fill="black", width=4)
    pen.ellipse((440, 650, 490, 715), fill="firebrick")
    (media / SHEET).parent.mkdir(parents=True, exist_ok=True)
    page.save(media / SHEET, "JPEG")
