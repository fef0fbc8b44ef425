"""重新交: an owner hands in again what ended without success; its answers stand, and today's rules are applied to them.

It runs in the flow start_appeal. The draft's ``given`` has ``reopens``, the earlier appeal's number. An officer may
reopen an appeal by mandate.
"""

from typing import Any

from flows.appeals.correct_appeal import to_answer_again
from flows.engine.turn import TurnContext
from flows.proxy.common import OFFICERS
from models.appeals.appeal import Appeal
from models.appeals.correction import own_appeal
from models.appeals.reopening import check_reopenable
from models.appeals.submission import asker_of, check_category_free
from models.organisations.organisation import organisation_of
from models.people.photo import attach_photos, copy_photos
from models.people.user import User, get_resident
from models.proxy.mandate import Mandate, live_mandate
from models.staff.member import find_staff
from models.verification.eligibility import check_may_appeal


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the owner, or an officer by mandate, if the appeal may be reopened and its category is free.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, CannotReopen, CannotChange, CaseRevoked,
    RejectedLately or OnePerCategory.
    """
    appeal, mandate = find_ended(turn, given["reopens"])
    check_reopenable(appeal)
    owner = turn.db.get_one(User, appeal.owner_id)
    check_may_appeal(turn.db, appeal.household_id)
    check_category_free(turn.db, asker_of(turn.db, appeal), appeal.category, turn.world.now)
    facts = {"kind": appeal.kind, "reopens": appeal.id, "title": appeal.title, **to_answer_again(appeal)}
    if organisation := organisation_of(turn.db, appeal.household_id):
        facts |= {"organisation": organisation.id, "in_name_of": organisation.name}
    return {**facts, "mandate": mandate.id, "for": owner.masked_name} if mandate else facts


def find_ended(turn: TurnContext, number: int) -> tuple[Appeal, Mandate | None]:
    """Find the writer's own appeal (None), or one by a live mandate. Raises as ``admit``."""
    db, person, now = turn.db, turn.person, turn.world.now
    appeal = db.get(Appeal, number)
    staff = find_staff(db, person.account, person.openid, now)
    if appeal and staff and staff.role in OFFICERS and appeal.owner_id != person.user_id:
        mandate = live_mandate(db, appeal.owner_id, staff.id, "appeal", now)
        if mandate:
            return appeal, mandate
    return own_appeal(db, get_resident(db, person.user_id, then=turn.world.lexicon.words["reopen"][0]), number), None


def attach_pictures(turn: TurnContext, appeal: Appeal, pictures: list[dict[str, str]]) -> list[int]:
    """Give the appeal its pictures, those of the one that it reopens as copies; returns the photos to be fetched."""
    now, copied = turn.world.now, list[int]()
    if appeal.reopens_id is not None:
        copied, pictures = copy_photos(turn.db, "appeal", appeal.reopens_id, appeal.id, pictures, now)
    return [*copied, *attach_photos(turn.db, "appeal", appeal.id, turn.person.conversation_id, pictures, now)]
