"""Limit how often people change their home, and delay the change by a day where they did not prove who they are.

What waits goes to an officer of the new place: whoever could move at will would choose their officer.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.former_homes import moves_since
from models.people.user import User, get_resident
from models.places.region import Region
from models.rights.due import carry_out
from models.rights.home_change import check_may_move, move_home
from models.rights.request import WAITS, RightsRequest, ask_to_change, end_change

KIND = "home"
MOST_MOVES = 2
YEAR = timedelta(days=365)


class MovedTooOften(Refusal):
    """The person moved ``most`` times within a year. ``again``: from then on they may move again."""

    code = "moved_too_often"
    final = True


def check_moves_left(db: Session, user: User, now: datetime) -> None:
    """Raises MovedTooOften."""
    moved = moves_since(db, user.id, now - YEAR)
    if len(moved) >= MOST_MOVES:
        raise MovedTooOften(most=MOST_MOVES, again=moved[-MOST_MOVES] + YEAR)


def ask_for_home(db: Session, user: User, conversation_id: int, region_code: str, now: datetime) -> RightsRequest:
    """Ask to change the home after WAITS. The caller holds the conversation's lock.

    Raises SameHome, MovesLater, MovedTooOften or AskedTooOften.
    """
    check_may_move(db, user, region_code)
    check_moves_left(db, user, now)
    return ask_to_change(db, conversation_id, KIND, region_code, WAITS, now)


def move_due(db: Session, now: datetime) -> int:
    """Change the homes whose day has passed without a message, and notify the people. Returns how many were due.

    What today's rules refuse is let go, and the person is told.
    """
    return carry_out(db, KIND, now, _carry_out)


def _carry_out(db: Session, request: RightsRequest, now: datetime) -> None:
    code = request.wish or ""
    try:
        with db.begin_nested():
            user = get_resident(db, db.get_one(Conversation, request.conversation_id).user_id)
            check_moves_left(db, user, now)
            move_home(db, user, code, now)
        made = True
    except Refusal:
        made = False
    region = db.get(Region, code)
    facts, key = {"home": region.full_name if region else "", "made": made}, f"home_moved:{request.id}"
    notify(db, request.conversation_id, "home_moved", facts, key, now, ("rights_request", request.id))
    end_change(db, request, now, made=made)
