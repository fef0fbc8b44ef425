"""Give away, ask for and sell goods in the demo's history; an officer looks at each, unless it ``waits``."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from bot.demo.seed_pictures import picture
from flows.language.lexicon import Lexicon
from flows.language.sorts import sort_of
from models.core.audit_trail import record_reading
from models.core.calendar import CHINA
from models.goods.review import approve
from models.goods.submission import NewOffer, NewRequest, make_offer, make_request
from models.market.submission import NewListing, submit_listing
from models.people.user import User
from models.staff.file_access import record_file_access
from models.staff.member import Staff
from models.staff.task import find_task

# Half a day from the submission to the officer's look.
_LOOK_TAKES = 0.5


class Goods:
    """``users`` and ``people``: users and their conversations by key in the files, as far as the history has come."""

    def __init__(
        self, db: Session, lexicon: Lexicon, users: Mapping[str, User], people: Mapping[str, int], now: datetime
    ) -> None:
        self.db, self.lexicon, self.users, self.people, self.now = db, lexicon, users, people, now
        # The row and its owner, by kind and serial in the files.
        self.made: dict[tuple[str, int], tuple[int, int]] = {}

    def happenings(self, goods: dict[str, list[Row]], listings: list[Row]) -> Iterator[Happening]:
        yield from self._each("offer", self.offer, goods["offers"])
        yield from self._each("request", self.ask, goods["requests"])
        yield from self._each("listing", self.sell, listings)

    def _each(
        self, name: str, make: Callable[[int, Row, datetime], tuple[int, int]], rows: list[Row]
    ) -> Iterator[Happening]:
        for serial, row in enumerate(rows, 1):
            yield row["days_ago"], partial(self._make, name, make, serial, row)
            if not row.get("waits"):
                yield row["days_ago"] - _LOOK_TAKES, partial(self._look, name, serial, row)

    def _make(
        self, name: str, make: Callable[[int, Row, datetime], tuple[int, int]], serial: int, row: Row, when: datetime
    ) -> None:
        self.made[name, serial] = make(serial, row, when)
        if row.get("waits"):
            self._picture(name, serial, row, when)

    def offer(self, serial: int, row: Row, when: datetime) -> tuple[int, int]:
        donor = self.users[row["donor"]]
        wanted = NewOffer(
            draft_id=f"demo-offer-{serial}",
            best_before=self._day(row["best_before_in_days"]) if "best_before_in_days" in row else None,
            region_code=row["region"],
            sort=sort_of(row["category"], row["item"], self.lexicon),
            smallest=row.get("smallest", 1),
            **_some(row, "category", "item", "unit", "quantity", "condition", "handover"),
        )
        return make_offer(self.db, wanted, donor, when, self.lexicon.goods).id, donor.id

    def ask(self, serial: int, row: Row, when: datetime) -> tuple[int, int]:
        owner = self.users[row["owner"]]
        wanted = NewRequest(
            draft_id=f"demo-request-{serial}",
            region_code=owner.region_code or "",
            sort=sort_of(row["category"], row["item"], self.lexicon),
            need_by=self._day(row["need_in_days"]) if "need_in_days" in row else None,
            **_some(row, "category", "item", "unit", "quantity", "reason"),
        )
        return make_request(self.db, wanted, owner, when).id, owner.id

    def sell(self, serial: int, row: Row, when: datetime) -> tuple[int, int]:
        seller, rules = self.users[row["seller"]], self.lexicon.market
        crop = rules.crop_of(row.get("crop_group"), row["name"])
        wanted = NewListing(
            draft_id=f"demo-listing-{serial}",
            harvest_date=self._day(row["harvest_in_days"]) if "harvest_in_days" in row else None,
            shop_url=row.get("shop_url"),
            crop=crop.code if crop else None,
            plot=row.get("plot"),
            grams_each=row.get("grams_each"),
            **_some(row, "kind", "name", "unit", "price_fen", "stock"),
        )
        return submit_listing(self.db, wanted, seller, when, rules).id, seller.id

    def _look(self, name: str, serial: int, row: Row, when: datetime) -> None:
        """Let the officers who have the task, one after the other, read it, open its pictures and pass it."""
        number, owner = self.made[name, serial]
        task = find_task(self.db, name, number)
        if task is None:
            raise LookupError(f"{name} {serial} of the demo waits for nobody")
        while task:
            if task.assignee is None:
                raise LookupError(f"no officer looks at {name} {serial} of the demo ({task.step})")
            officer = self.db.get_one(Staff, task.assignee)
            record_file_access(self.db, officer, name, number, owner, when)
            by, what = officer.actor.name, "pictures"
            record_reading(self.db, at=when, actor=by, subject=name, subject_id=number, purpose=what, about=owner)
            reasons = row.get("shop_reasons", ()) if task.step == "listing_shop" else ()
            approve(self.db, officer, name, number, self.lexicon.goods, when, reasons)
            task = find_task(self.db, name, number)
        # Only now: the trail, which tells that they were opened, is written when this transaction ends.
        self._picture(name, serial, row, when)

    def _picture(self, name: str, serial: int, row: Row, when: datetime) -> None:
        sender = row.get("donor") or row.get("seller")
        if sender:
            picture(self.db, name, self.made[name, serial][0], self.people[sender], when)

    def _day(self, days: int) -> date:
        """Return the date in China, so many days from now."""
        return (self.now + timedelta(days=days)).astimezone(CHINA).date()


def _some(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
