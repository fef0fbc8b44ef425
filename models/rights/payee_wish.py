"""Set a payee a day after its owner asked without proving who they are; any message of theirs stops it.

Then the payee's own two days begin (models.disbursements.payee).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.appeals.correction import own_appeal
from models.core.refusal import Refusal
from models.disbursements.budget import check_spendable
from models.disbursements.payee import get_payee
from models.disbursements.payee_change import set_payee
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import get_resident
from models.rights.due import carry_out
from models.rights.request import WAITS, RightsRequest, ask_to_change, end_change

KIND = "payee"


@dataclass(frozen=True, slots=True)
class PayeeWish:
    """The payee that an owner named in a draft. ``replaces``: the id of the payee to replace."""

    draft_id: str
    appeal: int
    kind: str
    name: str
    account: str
    replaces: int | None


def ask_for_payee(db: Session, conversation_id: int, wish: PayeeWish, now: datetime) -> RightsRequest:
    """Ask for a payee. The caller holds the conversation's lock. Raises AskedTooOften."""
    return ask_to_change(db, conversation_id, KIND, json.dumps(asdict(wish), ensure_ascii=False), WAITS, now)


def set_payees(db: Session, now: datetime) -> int:
    """Set the payees whose day has passed without a message, and notify the owners. Returns how many were due.

    A wish that today's rules refuse is let go, and its owner is told.
    """
    return carry_out(db, KIND, now, _carry_out)


def _carry_out(db: Session, request: RightsRequest, now: datetime) -> None:
    wish = PayeeWish(**json.loads(request.wish or "{}"))
    try:
        with db.begin_nested():
            tail = _set(db, request, wish, now)
    except Refusal:
        tail = None
    facts = {"number": wish.appeal, "tail": tail, "made": tail is not None}
    about = ("appeal", wish.appeal)
    notify(db, request.conversation_id, "payee_recorded", facts, f"payee_recorded:{request.id}", now, about)
    end_change(db, request, now, made=tail is not None)


def _set(db: Session, request: RightsRequest, wish: PayeeWish, now: datetime) -> str:
    """Set one payee and return the end of its account. Raises what flows.disbursements.payee would."""
    conversation = db.get_one(Conversation, request.conversation_id)
    user = get_resident(db, conversation.user_id)
    appeal = own_appeal(db, user, wish.appeal, lock=True)
    check_spendable(db, appeal)
    old = get_payee(db, appeal.id, wish.replaces) if wish.replaces else None
    payee = set_payee(db, appeal, user, wish.draft_id, wish.kind, wish.name, wish.account, now, old)
    return payee.account_tail
