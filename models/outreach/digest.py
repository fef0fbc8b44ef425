"""小结: write each donor of the last twelve months a monthly digest of what became of their gifts.

Donors are paged by their id (models.core.batch_run). A notification's key names the month and the conversation, so a
killed job may start again and several jobs may run at once without notifying a donor twice.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, case, cast, column, delete, func, literal, select, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.batch_run import Batch
from models.core.calendar import CHINA
from models.giving.pledge import Pledge, counted
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.notifications.notification import UNREAD, Notification
from models.people.conversation import Conversation
from models.people.user import User

TEMPLATE = "digest"
# The most donors in a page.
PEOPLE = 500
# The digest is written on these days of a month, once a day, so that a later day makes up for a lost job. Only by
# daylight, because none of it is sent at night.
DAYS = range(1, 4)
HOURS = range(9, 18)
# The digest's three counts of appeals -> their states: still collecting, reached its goal, or ended without it.
FATES = {
    "funding": ("funding",),
    "reached": ("funded", "minimum_met", "executing", "reporting", "completed"),
    "ended": ("failed", "cancelled", "frozen"),
}


def month_before(now: datetime) -> int:
    """Return the last complete month by China's calendar, as the number 202610."""
    last_day = now.astimezone(CHINA).replace(day=1) - timedelta(days=1)
    return last_day.year * 100 + last_day.month


def is_time(now: datetime) -> bool:
    here = now.astimezone(CHINA)
    return here.day in DAYS and here.hour in HOURS


def year_to(month: int) -> tuple[datetime, datetime]:
    """Return the start and the (exclusive) end of the twelve months that end with ``month``."""
    year, last = divmod(month, 100)
    end = datetime(year + last // 12, last % 12 + 1, 1, tzinfo=CHINA)
    return end.replace(year=end.year - 1), end


def write_page(db: Session, month: int, after: int, now: datetime) -> Batch:
    """Write the digests of the next page of donors above the id ``after``.

    A donor gets none who has this month's already, has muted it, has unfollowed the account or is erased.
    """
    page = select(Pledge.donor_id).where(Pledge.donor_id > after).distinct().order_by(Pledge.donor_id).limit(PEOPLE)
    donors = db.scalars(page).all()
    facts = list(_facts(db, month, donors)) if donors else []
    written = dict(_write(db, month, facts, now) if facts else ())
    _drop_earlier(db, written)
    return Batch(list(written.values()), len(donors) < PEOPLE, donors[-1] if donors else after)


def _facts(db: Session, month: int, donors: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield (donor id, the notification's facts as JSON) for the donors of this id range who gave in the year."""
    since, end = year_to(month)
    fates = [func.count(_if(Appeal.state.in_(states), Pledge.appeal_id).distinct()) for states in FATES.values()]
    gave = (
        select(
            Pledge.donor_id,
            func.count(),
            func.sum(Pledge.amount_fen),
            func.count(Pledge.appeal_id.distinct()),
            *fates,
        )
        .join(Appeal, Appeal.id == Pledge.appeal_id)
        .where(Pledge.donor_id.between(donors[0], donors[-1]), Pledge.state.in_(counted(db)))
        .where(Pledge.created_at >= since, Pledge.created_at < end)
        .group_by(Pledge.donor_id)
    )
    names = ("gifts", "gave_fen", "appeals", *FATES)
    said = f"{month // 100}-{month % 100:02}"
    for donor, *counts in db.execute(gave):
        yield donor, json.dumps({"month": said, **dict(zip(names, map(int, counts), strict=True))})


def _if(condition: ColumnElement[bool], then: Any) -> Any:
    return case((condition, then))


def _write(db: Session, month: int, facts: Sequence[tuple[int, str]], now: datetime) -> Sequence[tuple[int, int]]:
    """Insert the notifications; return (conversation id, notification id) of the new ones."""
    kept = Notification.__table__.c
    user_id, theirs_facts = column("user_id", BigInteger), column("facts", kept["facts"].type)
    theirs = values(user_id, theirs_facts, name="theirs").data(facts).cte("theirs")
    same = {"template": TEMPLATE, "created_at": now, "due_at": now, "urgency": "bulk"}
    muted = (Mute.conversation_id == Conversation.id) & (Mute.topic == KINDS[TEMPLATE].topic) & (Mute.subject_id == 0)
    rows: Any = (
        select(
            Conversation.id,
            literal(f"{TEMPLATE}:{month // 100}-{month % 100:02}:", String) + cast(Conversation.id, String),
            theirs.c.facts,
            *(literal(value, kept[name].type) for name, value in same.items()),
        )
        .join(theirs, theirs.c.user_id == Conversation.user_id)
        .join(User, User.id == Conversation.user_id)
        .where(User.state == "active", Conversation.following, ~select(Mute.topic).where(muted).exists())
        # Concurrent jobs insert the keys in one order, so that they cannot deadlock.
        .order_by(Conversation.id)
    )
    written = (
        insert(Notification)
        .from_select(["conversation_id", "dedupe_key", "facts", *same], rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notification.conversation_id, Notification.id)
    )
    return [(person, notice) for person, notice in db.execute(written)]


def _drop_earlier(db: Session, written: dict[int, int]) -> None:
    """Delete unread digests of earlier months, which the new one replaces.

    ``written``: conversation id -> new notification id. A digest that a worker is sending now is locked and stays.
    """
    earlier = (
        select(Notification.id)
        .where(
            Notification.conversation_id.in_(written), Notification.state.in_(UNREAD), Notification.template == TEMPLATE
        )
        .where(Notification.id.not_in(written.values()))
        .with_for_update(skip_locked=True)
    )
    if written:
        db.execute(delete(Notification).where(Notification.id.in_(db.scalars(earlier).all())))
