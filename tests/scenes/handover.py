"""Goods from hand to hand, past the door: a village with a handover point, offers, requests, rounds and matches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select
from sqlalchemy.orm import object_session

from flows.engine.session import Option, Screen, Session, dumps
from models.books.goods.matches import check_matches
from models.books.goods.offers import check_goods
from models.books.goods.rounds import check_rounds
from models.books.goods.stock import check_stock
from models.core.state_machine import SYSTEM, Actor, By
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import holding
from models.goods.matches.holding import Proposal
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import Match
from models.goods.points.point import POINT_MACHINE, Point
from models.goods.rounds.round import ROUND_MACHINE, Round
from models.goods.rounds.rule import hash_of
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import Village

CHECKS = (check_stock, check_goods, check_matches, check_rounds)
KEEPER, POINT_NAME = "o-keeper", "梅花镇张家小店"


@dataclass
class Handover(Village):
    """A village whose goods are collected at a point. Steps by name, past every check of who may take them."""

    keeper: int = 0
    point: int = 0

    def open_point(
        self,
        openid: str = KEEPER,
        region: str = DAOXIAN_MEIHUA,
        name: str = POINT_NAME,
        *,
        appointed: bool = False,
    ) -> int:
        """Open a point with its keeper; returns its number. ``appointed``: the keeper is there already."""
        if not appointed:
            self.stage.appoint(openid, "keeper", region)
        now = self.stage.clock()
        with self.session() as db:
            keeper = db.scalars(select(Staff).where(Staff.openid == openid)).one()
            point = Point(
                draft_id=f"point-{openid}",
                name=name,
                region_code=region,
                address="梅花镇街上12号",
                hours="每天8点到18点",
                keeper_id=keeper.id,
                phone="13900000000",
                opened_by=keeper.id,
                created_at=now,
                agreed_at=now,
            )
            db.add(point)
            db.flush()
            POINT_MACHINE.move(db, point, "open", Actor(By.KEEPER, f"staff:{keeper.id}"), now)
            self.keeper, self.point = keeper.id, point.id
            return point.id

    def match(self, offer: int, request: int, quantity: int = 2, *, shelf: int | None = None) -> int:
        """Propose a part of the offer to the request, as a round would; returns the match's number."""
        now = self.stage.clock()
        with self.session() as db:
            theirs = (Round.offer_id == offer) & (Round.state == "gathering")
            for gathering in db.scalars(select(Round).where(theirs)):
                ROUND_MACHINE.move(db, gathering, "void", SYSTEM, now)
            db.flush()
            seed = "00" * 16
            round_ = Round(
                offer_id=offer,
                rule=1,
                seed=seed,
                seed_hash=hash_of(seed),
                opens_at=now - timedelta(days=1),
                closes_at=now,
                there=quantity,
            )
            db.add(round_)
            db.flush()
            round_.drawn_at = now
            ROUND_MACHINE.move(db, round_, "drawn", SYSTEM, now)
            given = db.get_one(Offer, offer, with_for_update=True)
            asked = db.get_one(GoodsRequest, request, with_for_update=True)
            return holding.propose(db, given, asked, Proposal(round_.id, self.point, quantity, shelf), now).id

    def advance(self, match: int, to: str) -> None:
        """Take the match on to a state, step by step."""
        steps = ("proposed", "recipient_ok", "donor_ok", "in_transit", "at_point", "collected", "confirmed")
        with self.session() as db:
            held = lock_match(db, match)
            for state in steps[steps.index(held.match.state) + 1 : steps.index(to) + 1]:
                self.step(held, state)

    def step(self, held: Held, state: str) -> None:
        db, now = object_session(held.match), self.stage.clock()
        assert db is not None
        keeper = Actor(By.KEEPER, f"staff:{self.keeper}")
        match state:
            case "recipient_ok":
                holding.accept(db, held, held.match.quantity, now)
            case "donor_ok":
                holding.agree(db, held, now)
            case "in_transit":
                holding.send(db, held, "zto", f"ZT{held.match.id:012}", now)
            case "at_point":
                holding.lay(db, held, held.match.quantity, keeper, now)
            case "collected":
                holding.collect(db, held, "code", keeper, self.keeper, now)
            case "confirmed":
                holding.confirm(db, held, Actor.owner(held.request.owner_id), now)

    def say(self, name: str, words: str) -> str:
        """What this person is answered to these words."""
        return self.stage.say(f"o-{name}", words)

    def choose(self, name: str, *command: str) -> str:
        """Let this person choose a numbered line that an older screen or a forged session may hold."""
        with self.session() as db:
            row = db.get_one(Conversation, self.conversation(name))
            at = int(self.stage.clock().timestamp())
            row.session = dumps(Session(screen=Screen([Option(1, "", ["command", *command])], at), shown=at))
        return self.say(name, "1")

    def clear(self, name: str) -> None:
        """Nothing stands on this person's screen."""
        with self.session() as db:
            db.get_one(Conversation, self.conversation(name)).session = ""

    def smallest(self, offer: int, quantity: int) -> None:
        """The donor sends no smaller part than this."""
        with self.session() as db:
            db.get_one(Offer, offer).smallest = quantity

    def lapse(self, match: int, by: str = "household") -> None:
        """Nobody has answered in time."""
        with self.session() as db:
            holding.release(db, lock_match(db, match), "lapsed", SYSTEM, by, self.stage.clock())

    def codes_of(self, match: int) -> dict[str, str]:
        with self.session() as db:
            found = db.get_one(Match, match)
            return {"parcel": found.parcel, "digits": found.code or ""}

    def parcel(self, match: int) -> str:
        return self.codes_of(match)["parcel"]

    def digits(self, match: int) -> str:
        return self.codes_of(match)["digits"]

    def wrong(self) -> list[str]:
        """What the books find wrong with goods, as ``code subject number``; all checks take ten times as long."""
        with self.stage.database.connect() as connection:
            found = [each for check in CHECKS for each in check(connection, self.stage.clock())]
        return [f"{each.code} {each.subject} {each.subject_id}" for each in found]

    def state_of(self, match: int) -> str:
        with self.session() as db:
            return db.get_one(Match, match).state


def parcel_at(stage: Stage, openid: str, state: str, item: str = "厚被子") -> dict[str, str]:
    """Have two of a thing given to this resident at the newest open point; returns its code and its digits.

    Who does not write stands for the newest resident, whom an officer has registered.
    """
    handover, name = Handover(stage), openid.removeprefix("o-")
    with handover.session() as db:
        point = db.scalars(select(Point).where(Point.state == "open").order_by(Point.id.desc()).limit(1)).one()
        handover.point, handover.keeper = point.id, point.keeper_id
        own = db.scalar(select(Conversation.user_id).where(Conversation.openid == openid))
        newest = select(User.id).where(User.role == "resident").order_by(User.id.desc()).limit(1)
        handover.people[name] = own or db.scalars(newest).one()
        known = db.query(Match).count()
    handover.serials = count(10 * known)
    donor = handover.donor(f"giver-{known}")
    match = handover.match(handover.give(donor, told=False), handover.ask(name, item, told=False))
    handover.advance(match, state)
    return handover.codes_of(match)


def newest_codes(stage: Stage) -> dict[str, str]:
    """Return the code on the newest match's label, and its six digits while it lies at the point."""
    handover = Handover(stage)
    with handover.session() as db:
        return handover.codes_of(db.scalars(select(Match.id).order_by(Match.id.desc()).limit(1)).one())


@pytest.fixture
def handover(database_url: str) -> Iterator[Handover]:
    stage = Stage(database_url)
    yield Handover(stage)
    stage.close()
