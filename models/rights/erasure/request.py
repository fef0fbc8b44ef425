"""注销: a person asks to be erased. For seven days any message of theirs stops it; then the clock begins it."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.core.encryption import CannotOpen
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.rights.erasure.erasure import begin_erasure
from models.rights.erasure.standing import show_standing
from models.rights.request import MACHINE, WAITS, RightsRequest, ask

log = structlog.get_logger()

KIND = "erasure"
COOLS = timedelta(days=7)
# What must not be erased while it is open came up meanwhile: looked at again after so long.
LATER = timedelta(days=1)
# Each is a transaction's locks and writes in some tables.
_BATCH = 20


class CannotErase(Refusal):
    """Something is open that the person has to end first. ``holds``: what (models.rights.erasure.standing)."""

    code = "cannot_erase"
    final = True


def check_may_erase(db: Session, conversation_id: int, user_id: int | None) -> None:
    """Raises CannotErase."""
    holds = show_standing(db, conversation_id, user_id).holds
    if holds:
        raise CannotErase(holds=[hold.facts for hold in holds])


def ask_for_erasure(db: Session, conversation_id: int, now: datetime, *, proved: bool) -> RightsRequest:
    """Ask to be erased; who could not prove who they are waits a day longer. Earlier requests end.

    The caller holds the conversation's lock. Raises CannotErase or AskedTooOften.
    """
    check_may_erase(db, conversation_id, db.get_one(Conversation, conversation_id).user_id)
    return ask(db, conversation_id, KIND, "cooling", COOLS if proved else COOLS + WAITS, now)


def begin_due(db: Session, now: datetime) -> int:
    """Begin the erasures whose time has come, or put off what something open holds up. Returns how many began.

    Locks the conversation first, as a turn does, whose message would stop it. Who is taking a turn comes next time.
    """
    due = select(RightsRequest.id).where(RightsRequest.state == "cooling", RightsRequest.until <= now)
    found = db.scalars(due.order_by(RightsRequest.until).limit(_BATCH)).all()
    return sum(_begin_alone(db, number, now) for number in found)


def _begin_alone(db: Session, number: int, now: datetime) -> bool:
    """Begin one; what does not decrypt keeps nobody else waiting, and is tried again a day later."""
    try:
        with db.begin_nested():
            return _begin(db, number, now)
    except CannotOpen:
        log.exception("erasure.cannot_open", request=number)
        db.execute(update(RightsRequest).where(RightsRequest.id == number).values(until=now + LATER))
        return False


def _begin(db: Session, number: int, now: datetime) -> bool:
    of = select(RightsRequest.conversation_id).where(RightsRequest.id == number).scalar_subquery()
    theirs = select(Conversation).where(Conversation.id == of)
    conversation = db.scalar(theirs.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    request = db.get(RightsRequest, number, with_for_update=True, populate_existing=True)
    if conversation is None or request is None or request.state != "cooling" or request.until > now:
        return False
    holds = show_standing(db, conversation.id, conversation.user_id).holds
    if holds:
        request.until = now + LATER
        facts = {"holds": [hold.facts for hold in holds]}
        key = f"erasure_put_off:{request.id}"
        notify(db, conversation.id, "erasure_put_off", facts, key, now, ("rights_request", request.id))
        return False
    MACHINE.move(db, request, "erasing", SYSTEM, now)
    begin_erasure(db, conversation.id, conversation.user_id, "person", now, request)
    return True
