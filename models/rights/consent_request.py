"""Withdraw the consent to publish a day after it was asked for without proof; any message of the person's stops it.

WeChat's own revocation proves no more than a tap in the chat does: the words are hidden at once, and what would end an
appeal waits the same day. The county has a task for each appeal that would stop collecting, and calls its owner.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.consent_withdrawal import PUBLISH, Stopped, lock_affected, withdraw_purpose, withdrawable_purposes
from models.rights.due import carry_out
from models.rights.request import (
    MOST_A_DAY,
    WAITS,
    RightsRequest,
    ask_to_change,
    asked_today,
    begin_request,
    end_change,
)
from models.staff.task import close_task, find_task, open_task

KIND = "consent"
STEP = "withdrawal"


def ask_for_withdrawal(db: Session, user: User, conversation_id: int, now: datetime) -> RightsRequest:
    """Ask to withdraw the consent after WAITS; the county is told now. The caller holds the conversation's lock.

    Raises AskedTooOften.
    """
    request = ask_to_change(db, conversation_id, KIND, PUBLISH, WAITS, now)
    _ask_county(db, lock_affected(db, user), now)
    return request


def revoke_publishing(db: Session, user: User, conversation_id: int, key: str, now: datetime) -> RightsRequest | None:
    """Hide what the person published, as WeChat says that they revoked it; what that ends, waits for WAITS.

    The person is notified. None, and nothing is done, after as many revocations as a day takes. ``key``: of WeChat's
    event. The caller holds the conversation's lock.
    """
    if asked_today(db, conversation_id, now, KIND, by_wechat=True) >= MOST_A_DAY:
        return None
    request = begin_request(db, conversation_id, KIND, "waiting", WAITS, now, by_wechat=True)
    request.wish = PUBLISH
    appeals = lock_affected(db, user)
    for appeal in appeals:
        if appeal.published_at:
            appeal.hidden_at = now
    _ask_county(db, appeals, now)
    facts = {"ends": [each.id for each in appeals if each.state == "funding"], "until": request.until.isoformat()}
    about = ("rights_request", request.id)
    notify(db, conversation_id, "consent_revoked", facts, f"consent_revoked:{conversation_id}:{key}", now, about)
    return request


def withdraw_due(db: Session, now: datetime) -> int:
    """Withdraw the consents whose day has passed without a message, and notify the people. Returns how many were due.

    Of updates that nobody has read the photos' files are left to the sweep, as all that no row needs.
    """
    return carry_out(db, KIND, now, _carry_out)


def _carry_out(db: Session, request: RightsRequest, now: datetime) -> None:
    user = _user_of(db, request)
    made = user is not None and user.state == "active"
    if user is not None and made:
        _withdraw(db, user, request, now)
    end_change(db, request, now, made=made)


def undo(db: Session, number: int, _state: str, now: datetime) -> None:
    """Show again what the stopped request hid, and close the county's tasks. Called for every request that stops."""
    request = db.get_one(RightsRequest, number)
    user = _user_of(db, request) if request.kind == KIND else None
    if user is None:
        return
    for appeal in lock_affected(db, user, request.asked_at):
        appeal.hidden_at = None
        _close_task(db, appeal, now)
    db.flush()


def deny(db: Session, user_id: int, number: int, now: datetime) -> None:
    """End what waits of this person, as the county stopped their appeal meanwhile, and notify them.

    A request that others hold is being ended or carried out; to wait for it could be a deadlock, as they lock it before
    the appeal.
    """
    waiting = _waiting_of(user_id).order_by(RightsRequest.id).with_for_update(skip_locked=True)
    for request in db.scalars(waiting).all():
        end_change(db, request, now, made=False)
        about = ("rights_request", request.id)
        key = f"consent_kept:{request.id}"
        notify(db, request.conversation_id, "consent_kept", {"number": number}, key, now, about)


def waits(db: Session, user_id: int) -> bool:
    """Tell whether a withdrawal of this person's waits."""
    return db.scalar(_waiting_of(user_id).limit(1)) is not None


def ask_county_again(db: Session, number: int, now: datetime) -> None:
    """Open the county's task to call the owner, if a request waits that another task kept from it."""
    appeal = get_appeal(db, number)
    if waits(db, appeal.owner_id):
        _ask_county(db, [appeal], now)


def _waiting_of(user_id: int) -> Select[RightsRequest]:
    theirs = select(Conversation.id).where(Conversation.user_id == user_id)
    waiting = (RightsRequest.kind == KIND) & (RightsRequest.state == "waiting")
    return select(RightsRequest).where(waiting, RightsRequest.conversation_id.in_(theirs))


def _user_of(db: Session, request: RightsRequest) -> User | None:
    # The column alone: a session that cannot be opened keeps nobody from stopping what waits.
    number = db.scalar(select(Conversation.user_id).where(Conversation.id == request.conversation_id))
    return db.get(User, number) if number else None


def _withdraw(db: Session, user: User, request: RightsRequest, now: datetime) -> None:
    may = withdrawable_purposes(db, user.id, request.conversation_id, hidden_since=request.asked_at)
    stopped = Stopped([], [], [])
    if PUBLISH in may:
        for appeal in lock_affected(db, user, request.asked_at):
            _close_task(db, appeal, now)
        stopped = withdraw_purpose(db, user, request.conversation_id, PUBLISH, now, hidden_since=request.asked_at)
    facts = {"purposes": [PUBLISH], "cancelled": stopped.cancelled, "hidden": stopped.hidden}
    key = f"consent_withdrawn:{request.id}"
    notify(db, request.conversation_id, "consent_withdrawn", facts, key, now, ("rights_request", request.id))


def _ask_county(db: Session, appeals: Iterable[Appeal], now: datetime) -> None:
    """Open a task for each appeal that would stop collecting; one with another task is before the county already."""
    for appeal in appeals:
        if appeal.state == "funding" and find_task(db, "appeal", appeal.id) is None:
            open_task(db, appeal.matter, STEP, now)


def _close_task(db: Session, appeal: Appeal, now: datetime) -> None:
    task = find_task(db, "appeal", appeal.id)
    if task and task.step == STEP:
        close_task(db, "appeal", appeal.id, now)
