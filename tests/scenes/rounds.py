"""Rounds as a test reads them, and the clock that opens and draws them."""

from datetime import timedelta

from sqlalchemy import select

from bot.work.sweeps import apply_deadlines
from models.goods.matches.match import Match
from models.goods.rounds.round import Candidate, Round
from models.goods.rules import GoodsRules
from tests.scenes.handover import Handover

DAY = timedelta(days=1)


def rounds(scene: Handover) -> list[Round]:
    with scene.session() as db:
        return list(db.scalars(select(Round).order_by(Round.id)))


def rows(scene: Handover, number: int = 1) -> list[Candidate]:
    with scene.session() as db:
        theirs = select(Candidate).where(Candidate.round_id == number).order_by(Candidate.place)
        return list(db.scalars(theirs))


def matches(scene: Handover) -> list[tuple[int, int, str]]:
    """Request, quantity and state of each match."""
    with scene.session() as db:
        return [(each.request_id, each.quantity, each.state) for each in db.scalars(select(Match).order_by(Match.id))]


def sweep(scene: Handover, *, after: timedelta = timedelta(), rules: GoodsRules | None = None) -> None:
    scene.stage.clock.move(after)
    apply_deadlines(scene.stage.database, scene.stage.clock(), rules)
