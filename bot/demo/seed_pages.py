"""Open the pages of the demo's appeals as their owners agree to them, and approve pictures for the public."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from models.appeals.appeal import Appeal
from models.core.at_commit import write_waiting
from models.core.audit_trail import record_reading
from models.core.state_machine import Actor
from models.public.album import APPEALS, LISTINGS, Album
from models.public.appeal_page import agree, record_look
from models.public.photo_review import approve, photos_of
from models.staff.member import Staff


class Pages:
    """``appeals`` and ``staff``: by number and key in the files, as far as the history has come.

    ``listings``: the row and its owner, by kind and serial in the files (bot.demo.seed_goods).
    """

    def __init__(
        self,
        db: Session,
        appeals: Mapping[int, Appeal],
        staff: Mapping[str, Staff],
        listings: Mapping[tuple[str, int], tuple[int, int]],
    ) -> None:
        self.db, self.appeals, self.staff, self.listings = db, appeals, staff, listings

    def happenings(self, appeals: Sequence[Row], listings: Sequence[Row]) -> Iterator[Happening]:
        for serial, row in enumerate(appeals, 1):
            if "page" in row:
                yield row["page"]["days_ago"], partial(self.open_page, serial, row["page"])
        for serial, row in enumerate(listings, 1):
            if "pictured" in row:
                yield row["pictured"]["days_ago"], partial(self.show_listing, serial, row["pictured"])

    def open_page(self, serial: int, row: Row, when: datetime) -> None:
        """Show the owner the page, to which they agree, and let an officer approve its pictures."""
        appeal = self.appeals[serial]
        owner = Actor.owner(appeal.owner_id)
        record_look(self.db, appeal.id, owner, when)
        agree(self.db, appeal.id, owner, when)
        self._show(self.staff[row["by"]], appeal.id, appeal.owner_id, APPEALS, when)

    def show_listing(self, serial: int, row: Row, when: datetime) -> None:
        number, seller = self.listings["listing", serial]
        self._show(self.staff[row["by"]], number, seller, LISTINGS, when)

    def _show(self, officer: Staff, number: int, owner: int, album: Album, when: datetime) -> None:
        """Let the officer open the pictures, which the audit trail has to tell already, and approve each."""
        by = officer.actor.name
        record_reading(
            self.db, at=when, actor=by, subject=album.name, subject_id=number, purpose="pictures", about=owner
        )
        write_waiting(self.db.connection())
        for photo in photos_of(self.db, number, album):
            approve(self.db, officer, number, photo, when, album)
