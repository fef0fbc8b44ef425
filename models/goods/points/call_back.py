"""Draw which households are asked whether they got what was handed out by an officer's word or by a printed card."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.core.lottery import draw
from models.goods.exchange import GoodsRequest
from models.goods.matches.issues import open_call
from models.goods.matches.match import Match
from models.goods.points.collection_card import CollectionCard, printer_of
from models.goods.rules import GoodsRules
from models.people.user import User
from models.staff.member import all_seats_of


def call_by_sample(db: Session, match: Match, now: datetime, rules: GoodsRules) -> None:
    """Have the household of what was just handed out asked, where the lot or the rule wants it.

    It always is asked where it has a phone, and for the first few that an officer answers for; of the others by lot.
    """
    officer = _answers_for(db, match)
    if officer is None:
        return
    owner = db.get_one(User, db.get_one(GoodsRequest, match.request_id).owner_id)
    drawn = draw(f"match:{match.id}", "match_call", 100) < rules.called_of_hundred
    if owner.phone is not None or drawn or _answered_for(db, officer) <= rules.first_calls:
        open_call(db, match, now, [officer])


def _answers_for(db: Session, match: Match) -> int | None:
    """Return the officer by whose word it was handed out; None where the household's own digits did."""
    if match.proof == "officer":
        return match.handed_by
    return printer_of(db, match.id) if match.proof == "card" else None


def _answered_for(db: Session, officer: int) -> int:
    """Count what was handed out by this officer's word or card, with what was just handed out."""
    seats = all_seats_of(db, [officer])
    printed = select(CollectionCard.match_id).where(CollectionCard.printed_by.in_(seats))
    word = (Match.proof == "officer") & Match.handed_by.in_(seats)
    card = (Match.proof == "card") & Match.id.in_(printed)
    return db.scalar(select(func.count()).select_from(Match).where(or_(word, card))) or 0
