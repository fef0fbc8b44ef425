"""改: an appeal that nobody has given to yet, as it was said before, except what has to be said anew.

It runs in the flow start_appeal; the draft's ``given`` has ``fixes``, the appeal's number, and ``round``, in which it
stood when this was begun.
"""

from typing import Any

from flows.desk import Desk
from flows.flow import Answer, Say
from flows.session import Draft
from models.appeal import Appeal, NewAppeal, budget_of
from models.correction import (
    ChangedMeanwhile,
    NothingChanged,
    differs,
    own_appeal,
    resubmit,
)
from models.photo import pictures_of, renew
from models.region import Region
from models.user import get_resident
from models.zone import CHINA


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotRegistered, ResidentsOnly, NoSuchAppeal or NotYourAppeal."""
    appeal = own_appeal(desk.db, get_resident(desk.db, desk.person.user_id), given["fixes"])
    return {"kind": appeal.kind, "fixes": appeal.id, "round": appeal.round, "title": appeal.title}


def answers_of(desk: Desk, appeal: Appeal) -> dict[str, Any]:
    """What was answered before, in the order of the questions, without what has to be answered anew."""
    region = desk.db.get_one(Region, appeal.region_code)
    answers: dict[str, Any] = {
        "title": appeal.title,
        "category": appeal.category,
        "kind": appeal.kind,
        "target": appeal.target_fen,
        "budget": [{"item": item, "amount_fen": fen} for item, fen in budget_of(desk.db, appeal.id)],
        "story": appeal.story,
        "photos": pictures_of(desk.db, "appeal", appeal.id),
        "place": {"code": region.code, "name": region.full_name, "latitude": None, "longitude": None, "detail": ""},
        "deadline": appeal.deadline.astimezone(CHINA).date().isoformat(),
    }
    anew = appeal.returned_fields.split(",") if appeal.returned_fields else []
    return {name: answer for name, answer in answers.items() if name not in anew}


def done(desk: Desk, draft: Draft, wanted: NewAppeal) -> Appeal:
    """Handed in again. Raises ChangedMeanwhile or NothingChanged, and what models.correction.resubmit does."""
    db, now, pictures = desk.db, desk.world.now, draft.answers["photos"]
    user = get_resident(db, desk.person.user_id)
    appeal = own_appeal(db, user, draft.given["fixes"], lock=True)
    if appeal.round != draft.given["round"] or appeal.published_at is not None:
        raise ChangedMeanwhile(number=appeal.id, state=appeal.state)
    same_pictures = pictures == pictures_of(db, "appeal", appeal.id)
    if appeal.state != "returned" and same_pictures and not differs(db, appeal, wanted):
        raise NothingChanged(number=appeal.id)
    resubmit(db, appeal, wanted, now)
    owed, dropped = renew(db, "appeal", appeal.id, desk.person.conversation_id, pictures, now)
    desk.jobs += [("fetch_photo", photo) for photo in owed]
    desk.jobs += [("forget_photo", photo) for photo in dropped]
    return appeal


def handed_in(appeal: Appeal, days: int) -> Answer:
    values = {"number": appeal.id, "title": appeal.title, "kind": appeal.kind, "days": days}
    return Answer([Say("replies/fixed", None, values)])
