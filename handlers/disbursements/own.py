"""Declare what owners may do with their disbursements: say that a payment arrived."""

from typing import Any

from sqlalchemy import Select, or_, select

from flows.engine.flow import Answer
from handlers.disbursements import owner
from handlers.people.own_things import Act, OwnedKind
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal
from models.disbursements.confirmation import NoSuchPayout
from models.disbursements.disbursement import Disbursement
from models.people.user import User


def _of_household(user_id: int) -> Select[*tuple[Any, ...]]:
    """Select the disbursements of the user's household, any member of which may say that a payment arrived, and of the
    organisations for which the user speaks."""
    household = select(User.household_id).where(User.id == user_id).scalar_subquery()
    uses = select(Disbursement.id, Appeal.title, Disbursement.state)
    return uses.join(Appeal, Appeal.id == Disbursement.appeal_id).where(
        or_(Appeal.household_id == household, Appeal.owner_id == user_id)
    )


def _received(talk: Talk, number: int) -> Answer:
    return owner.received(talk, talk.turn.db.get_one(Disbursement, number).code)


def _otherwise(talk: Talk, _word: str, number: int, _words: str) -> Answer | None:
    user_id, db = talk.turn.person.user_id, talk.turn.db
    if user_id is None or not db.execute(_of_household(user_id).where(Disbursement.id == number)).all():
        raise NoSuchPayout(said=str(number))
    return None


# A payment is called by its code (收到 <码>).
OWNED = OwnedKind(
    "disbursement",
    _of_household,
    {"got_it": Act(("paid",), _received, asks=True)},
    _otherwise,
    named_by_number=False,
)
