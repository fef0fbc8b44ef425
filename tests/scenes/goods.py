"""People who ask for goods and give them away, past the door, as the flows would have it done."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from flows.language.sorts import sort_of
from models.core.state_machine import SYSTEM, Actor, By
from models.goods.exchange import OFFER_MACHINE, GoodsRequest, Offer
from models.goods.review import REVIEWED, publish
from models.goods.rounds.waiting import begin_waiting
from models.goods.rules import GoodsRules
from models.goods.submission import NewOffer, NewRequest, make_offer, make_request
from models.market.listing import Listing
from models.market.seller import MACHINE as SELLERS
from models.market.seller import VALIDITY, apply, for_family, seller_of, sells_as
from models.market.statement import find_statement
from models.market.submission import NewListing, submit_listing
from models.notifications.notification import Notification
from models.organisations.organisation import Organisation
from models.people.user import User
from models.staff.task import close_task
from models.stock.move import hand_out
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

LEXICON = load_lexicon()
XIANGZIQIAO, LONGHUI, GUANGZHOU, YONGZHOU = "431124102000", "430524101000", "440106000000", "431103000000"
OFFICER, COUNTY_OFFICER = Actor(By.VILLAGE, "staff:0"), Actor(By.COUNTY, "staff:0")
REASON = "家里只有两床薄被，想让老人和孩子睡得暖一点。"


def passed(db: Database, name: str, thing: Any, now: datetime, *, told: bool = True) -> None:
    """An officer has looked at it and passed it. ``told``: who waits for the like hears of it."""
    kind = REVIEWED[name]
    close_task(db, name, thing.id, now)
    if isinstance(thing, Listing):
        endorsed(db, db.get_one(User, thing.seller_id), now, household=thing.household_id)
        stated = find_statement(db, thing.household_id, thing.crop, thing.season)
        if stated:
            stated.seen_plot = stated.plot
    publish(db, kind if told else replace(kind, on_public=_untold), thing, OFFICER, now)


def endorsed(db: Database, user: User, now: datetime, *, household: int | None = None) -> None:
    """The village has seen the seller, and the county has endorsed the seller. ``household``: an organisation's."""
    whose = sells_as(db, household, user) if household else for_family(user)
    apply(db, whose, user.id, now)
    seller = seller_of(db, whose.household_id)
    for state, by in (("seen", OFFICER), ("endorsed", COUNTY_OFFICER)):
        if seller and (seller.state, state) in SELLERS.moves:
            SELLERS.move(db, seller, state, by, now)
            seller.ends_at = now + VALIDITY
    db.flush()


def _untold(_db: Database, thing: Any, now: datetime, _rules: GoodsRules) -> None:
    """Nobody hears of it and no round opens, but its days count."""
    if isinstance(thing, GoodsRequest):
        begin_waiting(thing, now)


def given(db: Database, wanted: NewOffer, donor: User, now: datetime, *, told: bool = True) -> Offer:
    offer = make_offer(db, wanted, donor, now)
    passed(db, "offer", offer, now, told=told)
    return offer


def asked(db: Database, wanted: NewRequest, owner: User, now: datetime, *, told: bool = True) -> GoodsRequest:
    request = make_request(db, wanted, owner, now)
    passed(db, "request", request, now, told=told)
    return request


def sold(
    db: Database, wanted: NewListing, seller: User, now: datetime, organisation: Organisation | None = None
) -> Listing:
    listing = submit_listing(db, wanted, seller, now, organisation=organisation)
    passed(db, "listing", listing, now)
    return listing


@dataclass
class Village:
    """People who ask and give, past the door."""

    stage: Stage
    serials: Iterator[int] = field(default_factory=count)
    people: dict[str, int] = field(default_factory=dict)

    def resident(self, name: str, region: str = DAOXIAN_MEIHUA) -> str:
        self.people[name] = self.stage.register(f"o-{name}", "resident", region)
        return name

    def donor(self, name: str) -> str:
        self.people[name] = self.stage.register(f"o-{name}", "donor")
        return name

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.stage.database, expire_on_commit=False) as db, db.begin():
            yield db

    def ask(self, name: str, item: str = "厚被子", category: str = "clothes", *, told: bool = True) -> int:
        draft = str(next(self.serials))
        with self.session() as db:
            owner = db.get_one(User, self.people[name])
            sort = sort_of(category, item, LEXICON)
            wanted = NewRequest(draft, category, item, "piece", 2, REASON, owner.region_code or "", sort)
            return asked(db, wanted, owner, self.stage.clock(), told=told).id

    def ask_again(self, name: str, item: str = "厚被子", category: str = "clothes") -> int:
        """Take back what this one's household asks for, and ask once more."""
        with self.session() as db:
            theirs = GoodsRequest.household_id == db.get_one(User, self.people[name]).household_id
            db.execute(update(GoodsRequest).where(theirs).values(state="withdrawn"))
        return self.ask(name, item, category)

    def give(
        self,
        name: str,
        item: str = "新棉被",
        category: str = "clothes",
        *,
        handover: str = "post",
        region: str = GUANGZHOU,
        best_before: date | None = None,
        told: bool = True,
    ) -> int:
        draft = str(next(self.serials))
        with self.session() as db:
            sort = sort_of(category, item, LEXICON)
            wanted = NewOffer(draft, category, item, "piece", 9, "new", best_before, handover, region, sort)
            return given(db, wanted, db.get_one(User, self.people[name]), self.stage.clock(), told=told).id

    def gave(self, name: str, *given: str, **how: Any) -> int:
        """Give away something of which nothing is left: it went to others."""
        number = self.give(name, *given, told=False, **how)
        with self.session() as db:
            offer = db.get_one(Offer, number)
            hand_out(db, offer, "test", self.stage.clock())
            OFFER_MACHINE.move(db, offer, "exhausted", SYSTEM, self.stage.clock())
        return number

    def conversation(self, name: str) -> int:
        return self.stage.person(f"o-{name}")

    def heard(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Kinds and facts of what this one was told about goods, the oldest first."""
        kinds = ("need_found",)
        with self.session() as db:
            theirs = select(Notification).where(
                Notification.conversation_id == self.conversation(name), Notification.template.in_(kinds)
            )
            return [
                (notice.template, json.loads(notice.facts)) for notice in db.scalars(theirs.order_by(Notification.id))
            ]

    def who_heard(self) -> list[str]:
        return [name for name in self.people if self.heard(name)]


@pytest.fixture
def village(database_url: str) -> Iterator[Village]:
    stage = Stage(database_url)
    yield Village(stage)
    stage.close()
