"""改: an owner corrects an appeal under review; earlier answers are kept, and those it was returned for asked again.

It runs in the flow start_appeal. The draft's ``given`` has ``fixes``, the appeal's number, and ``round``, its round
when the correction began. An officer may correct an appeal by mandate.
"""

from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.proxy.common import OFFICERS, lock_mandate
from models.appeals.appeal import Appeal, budget_of
from models.appeals.correction import ChangedMeanwhile, NothingChanged, differs, own_appeal, resubmit
from models.appeals.submission import NewAppeal
from models.core.calendar import day_in_china
from models.core.money import least_minimum
from models.people.photo import pictures_of, replace_photos
from models.people.user import User, get_resident
from models.places.region import Region
from models.proxy.act import record_resubmission
from models.proxy.mandate import Mandate, live_mandate
from models.staff.member import find_staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the owner, or an officer by mandate. Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal."""
    appeal, mandate = find_correctable(turn, given["fixes"])
    facts = {"kind": appeal.kind, "fixes": appeal.id, "round": appeal.round, "title": appeal.title}
    facts |= to_answer_again(appeal)
    if mandate:
        facts |= {"mandate": mandate.id, "for": turn.db.get_one(User, appeal.owner_id).masked_name}
    return facts


def find_correctable(turn: TurnContext, number: int) -> tuple[Appeal, Mandate | None]:
    """Find the writer's own appeal, or an unpublished one by a live mandate (None: own appeal). Raises as ``admit``."""
    db, person, now = turn.db, turn.person, turn.world.now
    appeal = db.get(Appeal, number)
    staff = find_staff(db, person.account, person.openid, now)
    if appeal and staff and staff.role in OFFICERS and appeal.published_at is None:
        mandate = live_mandate(db, appeal.owner_id, staff.id, "appeal", now)
        if mandate:
            return appeal, mandate
    return own_appeal(db, get_resident(db, person.user_id, then=turn.world.lexicon.words["fix"][0]), number), None


def answers_of(turn: TurnContext, appeal: Appeal) -> dict[str, Any]:
    """Return the earlier answers, in the order of the questions."""
    region = turn.db.get_one(Region, appeal.region_code)
    answers: dict[str, Any] = {
        "title": appeal.title,
        "category": appeal.category,
        "kind": appeal.kind,
        "target": appeal.target_fen,
        "budget": [{"item": item, "amount_fen": fen} for item, fen in budget_of(turn.db, appeal.id)],
        "story": appeal.story,
        "photos": pictures_of(turn.db, "appeal", appeal.id),
        "place": {"code": region.code, "name": region.full_name, "latitude": None, "longitude": None, "detail": ""},
        "deadline": appeal.collect_days or day_in_china(appeal.closes_at),
    }
    if appeal.category == "medical":
        answers["referral"] = "here"
    if appeal.kind == "crowdfund":
        answers |= shortfall_of(appeal)
    return answers


def to_answer_again(appeal: Appeal) -> dict[str, list[str]]:
    """Return, for a draft's ``given``, the steps that the appeal was returned for; nothing where there are none."""
    return {"again": appeal.returned_fields.split(",")} if appeal.returned_fields else {}


def shortfall_of(appeal: Appeal) -> dict[str, Any]:
    """Return the answers that lead to the appeal's minimum."""
    if appeal.minimum_fen is None:
        return {"shortfall": "all_back"}
    if appeal.minimum_fen == least_minimum(appeal.target_fen):
        return {"shortfall": "half"}
    return {"shortfall": "own", "minimum": appeal.minimum_fen}


def done(turn: TurnContext, draft: Draft, wanted: NewAppeal) -> Appeal:
    """Submit the corrected appeal again and renew its photos.

    Raises ChangedMeanwhile, NothingChanged or NoMandate, and as models.appeals.correction.resubmit.
    """
    db, now, pictures = turn.db, turn.world.now, draft.answers["photos"]
    by_proxy = lock_mandate(turn, draft.given["mandate"]) if "mandate" in draft.given else None
    owner = by_proxy[2] if by_proxy else get_resident(db, turn.person.user_id)
    appeal = own_appeal(db, owner, draft.given["fixes"], lock=True)
    if appeal.round != draft.given["round"] or appeal.published_at is not None:
        raise ChangedMeanwhile(number=appeal.id, state=appeal.state)
    same_pictures = pictures == pictures_of(db, "appeal", appeal.id)
    if appeal.state != "returned" and same_pictures and not differs(db, appeal, wanted):
        raise NothingChanged(number=appeal.id)
    resubmit(db, appeal, wanted, now, by_proxy[0].actor if by_proxy else None)
    if by_proxy:
        record_resubmission(db, by_proxy[1], by_proxy[0], appeal.id, appeal.title, now)
    owed, dropped = replace_photos(db, "appeal", appeal.id, turn.person.conversation_id, pictures, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    turn.jobs += [("forget_photo", photo) for photo in dropped]
    return appeal


def corrected_answer(draft: Draft, facts: dict[str, Any]) -> Answer:
    return Answer([Say("replies/appeals/corrected", None, {**facts, "whose": draft.given.get("for")})])
