"""Withdraw a person's consent to one purpose, and stop what it allowed; the account stays.

publish: the household's appeals under review and in funding are cancelled, and gifts go back; of the others, which
hold money, the public reads the sums and no words. The county hears of what stopped collecting. voice: nothing more is
fetched or recognised, and what waits goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, cancel_by_owner, is_under_review
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.outreach.update_review import hush
from models.people.user import User, withdraw_consent
from models.places.region import county_of
from models.rights.consents import VOICE, has_live_consent
from models.speech.consent import withdraw as withdraw_speech
from models.speech.voice import forget_voices
from models.staff.member import Staff, notify_staff, serving
from models.verification.case import lock_cases

PUBLISH = "publish"
# Those without which there is no account are withdrawn by erasing it.
WITHDRAWABLE = (PUBLISH, VOICE)


class NothingToWithdraw(Refusal):
    """The person has given no such consent, or has withdrawn it."""

    code = "nothing_to_withdraw"


@dataclass(slots=True)
class Stopped:
    """What ended: the numbers of appeals ``cancelled`` and ``hidden``, and photos whose files are to be deleted."""

    cancelled: list[int]
    hidden: list[int]
    photos: list[int]


def withdraw_purpose(
    db: Session,
    user: User | None,
    conversation_id: int,
    purpose: str,
    now: datetime,
    *,
    hidden_since: datetime | None = None,
) -> Stopped:
    """Withdraw one consent. The caller holds the conversation's lock, or that of the request that waited.

    ``hidden_since``: appeals that were hidden at this moment end, too. Raises NothingToWithdraw.
    """
    if purpose not in withdrawable_purposes(db, user.id if user else None, conversation_id, hidden_since=hidden_since):
        raise NothingToWithdraw
    if purpose == VOICE:
        withdraw_speech(db, conversation_id, now)
        forget_voices(db, conversation_id)
        return Stopped([], [], [])
    assert user is not None  # noqa: S101 - only who is registered has consents to other purposes
    withdraw_consent(db, user.id, purpose, now)
    return _unpublish(db, user, now, hidden_since)


def withdrawable_purposes(
    db: Session, user_id: int | None, conversation_id: int, *, hidden_since: datetime | None = None
) -> list[str]:
    """List the purposes whose consent can be withdrawn: it is live, or an appeal is public by a mandate's consent."""
    live = [each for each in WITHDRAWABLE if has_live_consent(db, user_id, conversation_id, each)]
    if PUBLISH not in live and user_id is not None and any(appeals_to_stop(db, user_id, hidden_since)):
        live.append(PUBLISH)
    return live


def appeals_to_stop(db: Session, user_id: int, hidden_since: datetime | None = None) -> tuple[list[int], list[int]]:
    """List the numbers of the appeals that withdrawing ``publish`` would cancel, and of those it would hide."""
    ends = ((Appeal.state == "funding") | is_under_review()).label("ends")
    theirs = select(Appeal.id, ends).where(Appeal.owner_id == user_id, _is_affected(hidden_since))
    found = db.execute(theirs.order_by(Appeal.id)).all()
    return [one.id for one in found if one.ends], [one.id for one in found if not one.ends]


def lock_affected(db: Session, user: User, hidden_since: datetime | None = None) -> Sequence[Appeal]:
    """Lock and return the appeals that withdrawing ``publish`` would cancel or hide, after the household's cases."""
    lock_cases(db, user.household_id)
    theirs = select(Appeal).where(Appeal.owner_id == user.id, _is_affected(hidden_since)).order_by(Appeal.id)
    return db.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all()


def _unpublish(db: Session, user: User, now: datetime, hidden_since: datetime | None) -> Stopped:
    """Cancel or hide the person's appeals."""
    stopped = Stopped([], [], [])
    owner = Actor.owner(user.id)
    for appeal in lock_affected(db, user, hidden_since):
        collected, ends = appeal.state == "funding", appeal.state == "funding" or appeal.under_review
        if appeal.published_at:
            appeal.hidden_at = now
            stopped.photos += hush(db, appeal, owner, now)
        if ends:
            cancel_by_owner(db, appeal, now, "consent_withdrawn")
        if collected:
            _tell_county(db, appeal, now)
        (stopped.cancelled if ends else stopped.hidden).append(appeal.id)
    db.flush()
    return stopped


def _tell_county(db: Session, appeal: Appeal, now: datetime) -> None:
    """Notify the county that an appeal stopped collecting at its owner's word; gifts are refunded without them."""
    theirs = (Staff.role == By.COUNTY) & (Staff.region_code == county_of(appeal.region_code)) & serving(now)
    facts, key = {"number": appeal.id, "title": appeal.title}, f"collecting_ended:{appeal.id}"
    for staff in db.scalars(select(Staff).where(theirs).order_by(Staff.id)):
        notify_staff(db, staff, "collecting_ended", facts, key, now, ("appeal", appeal.id))


def _is_affected(hidden_since: datetime | None) -> ColumnElement[bool]:
    """Of appeals that are hidden, only those count that were hidden at this moment, by a request that waits."""
    shown = or_(Appeal.hidden_at.is_(None), Appeal.hidden_at == hidden_since)
    return shown & (Appeal.published_at.is_not(None) | is_under_review())
