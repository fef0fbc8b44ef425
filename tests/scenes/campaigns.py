"""A county with officers, growers of oranges and people who pledge to buy them, past the door."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.core.calendar import CHINA
from models.market.campaigns import growers, opening, pledging
from models.market.campaigns.campaign import Campaign, CampaignGrower, CampaignPart, CampaignPledge
from models.market.campaigns.opening import NewCampaign
from models.market.campaigns.pledging import Firm, NewPledge
from models.market.listing import Listing
from models.market.orders.order import Order
from models.market.submission import NewListing, submit_listing
from models.people.user import User
from models.staff.file_access import record_file_access
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.goods import GUANGZHOU, LEXICON, passed
from tests.scenes.organisations import credit_code

COUNTY = "431124000000"
JIN = 500
PRICE = 280


@dataclass
class County:
    """``chen`` opens campaigns and ``li`` confirms them; both are officers of the county."""

    stage: Stage
    people: dict[str, int] = field(default_factory=dict)
    serials: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.database = self.stage.database.execution_options(frozen_for=timedelta(days=180))
        self.chen = self.stage.appoint("o-chen", "county", COUNTY)
        self.li = self.stage.appoint("o-li", "county", COUNTY)

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.database, expire_on_commit=False) as db, db.begin():
            yield db

    def grower(self, name: str, jin: int = 1_000, plot: int = 100, crop: str = "citrus") -> int:
        """An endorsed household that sells so much from ``plot`` hundredths of a 亩; the number of its listing."""
        self.people[name] = self.stage.register(f"o-{name}", "resident")
        serial = f"oranges-{next(self.serials)}"
        wanted = NewListing(serial, "produce", "脐橙", "jin", 300, jin * JIN, None, None, crop, plot)
        with self.session() as db:
            user = db.get_one(User, self.people[name])
            listing = submit_listing(db, wanted, user, self.stage.clock(), LEXICON.market)
            passed(db, "listing", listing, self.stage.clock())
            return listing.id

    def buyer(self, name: str) -> None:
        self.people[name] = self.stage.register(f"o-{name}", "donor")

    def submit(self, least: int = 100, days: int = 10) -> int:
        last_day = self.stage.clock().astimezone(CHINA).date() + timedelta(days=days)
        wanted = NewCampaign(f"campaign-{next(self.serials)}", "citrus", PRICE, least * JIN, last_day)
        with self.session() as db:
            staff = db.get_one(Staff, self.chen)
            return opening.submit_campaign(db, staff, wanted, LEXICON.market, self.stage.clock()).id

    def confirm(self, number: int, by: int | None = None) -> str:
        with self.session() as db:
            staff = db.get_one(Staff, by or self.li)
            record_file_access(db, staff, "campaign", number, None, self.stage.clock())
            return str(opening.confirm(db, staff, number, self.stage.clock()).state)

    def open(self, least: int = 100, days: int = 10) -> int:
        number = self.submit(least, days)
        self.confirm(number)
        return number

    def join(self, name: str, number: int, most: int | None = None) -> None:
        with self.session() as db:
            user = db.get_one(User, self.people[name])
            grams = most * JIN if most else None
            growers.join(db, user, number, self.stage.clock(), fresh=True, most_grams=grams)

    def leave(self, name: str, number: int) -> None:
        with self.session() as db:
            growers.leave(db, self.people[name], number, self.stage.clock())

    def pledge(self, name: str, number: int, jin: int, firm: str | None = None) -> int:
        """``firm``: its name; whoever pledges for the same name gives the same code."""
        code = credit_code(zlib.crc32((firm or "").encode()) % 10**7)
        wanted = NewPledge(
            draft_id=f"pledge-{next(self.serials)}",
            campaign_id=number,
            grams=jin * JIN,
            firm=Firm(firm, code) if firm else None,
            recipient="覃桂花",
            phone="13911112222",
            region_code=GUANGZHOU,
            address="天河路12号",
        )
        with self.session() as db:
            return pledging.pledge(db, wanted, db.get_one(User, self.people[name]), self.stage.clock()).id

    def take_back(self, name: str, number: int) -> None:
        with self.session() as db:
            pledging.take_back(db, self.people[name], number, self.stage.clock())

    def wait(self, days: int = 11) -> None:
        """The last day passes, and where firms pledged the days for looking at them; what is due is closed, divided."""
        self.stage.clock.move(timedelta(days=days))
        self.sweep()
        with self.session() as db:
            checked = db.scalar(select(func.max(Campaign.divides_at)).where(Campaign.state == "reached"))
        if checked:
            self.stage.clock.move(checked - self.stage.clock())
            self.sweep()

    def sweep(self) -> None:
        apply_deadlines(self.database, self.stage.clock())

    def read(self, number: int) -> Campaign:
        with self.session() as db:
            return db.get_one(Campaign, number)

    def state(self, number: int) -> str:
        return self.read(number).state

    def got(self, number: int) -> dict[str, tuple[str, int | None]]:
        """Who stands where, and how many 斤 they gave or got."""
        names = {user: name for name, user in self.people.items()}
        found = {}
        with self.session() as db:
            gave = select(CampaignGrower.user_id, CampaignGrower.state, CampaignGrower.given_grams)
            got = select(CampaignPledge.buyer_id, CampaignPledge.state, CampaignPledge.given_grams)
            rows = (
                *db.execute(gave.where(CampaignGrower.campaign_id == number)),
                *db.execute(got.where(CampaignPledge.campaign_id == number)),
            )
            for user, state, given in rows:
                found[names[user]] = (state, None if given is None else given // JIN)
        return found

    def orders(self, number: int) -> list[Order]:
        with self.session() as db:
            own = select(Order).join(CampaignPart, CampaignPart.order_id == Order.id)
            return list(db.scalars(own.where(CampaignPart.campaign_id == number).order_by(Order.id)))

    def listing(self, number: int) -> Listing:
        with self.session() as db:
            return db.get_one(Listing, number)


@pytest.fixture
def county(database_url: str) -> Iterator[County]:
    stage = Stage(database_url)
    yield County(stage)
    stage.close()
