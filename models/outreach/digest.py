"""小结: once a month, what became of the gifts of everybody who gave in the twelve months before.

The donors are walked by their numbers, a page in each short transaction. A notice's key names the month and the
person, so that whoever was killed begins anew, several may walk at once, and nobody is told twice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, case, cast, column, delete, func, literal, select, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.giving.pledge import COUNTED, Pledge
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.notifications.notification import UNREAD, Notification
from models.people.conversation import Conversation
from models.people.user import User

TEMPLATE = "digest"
# Donors in a page.
PEOPLE = 500
# On these days of a month it is written, once a day: what a lost job left out is made up for. By daylight, since at
# night nothing of it goes out.
DAYS = range(1, 4)
HOURS = range(9, 18)
# What became of an appeal, as a donor counts it: it may still be given to, there is enough, or it ended without.
FATES = {
    "funding": ("funding",),
    "reached": ("funded", "minimum_met", "executing", "reporting", "completed"),
    "ended": ("failed", "cancelled", "frozen"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """``written`` notices; ``cursor``: the donor up to whom everybody has been seen; ``last``: nobody follows."""

    written: int
    cursor: int
    last: bool


def month_before(now: datetime) -> int:
    """The month that is over, by China's calendar: 202610."""
    last_day = now.astimezone(CHINA).replace(day=1) - timedelta(days=1)
    return last_day.year * 100 + last_day.month


def is_time(now: datetime) -> bool:
    here = now.astimezone(CHINA)
    return here.day in DAYS and here.hour in HOURS


def year_to(month: int) -> tuple[datetime, datetime]:
    """The twelve months that end with this one: from the first moment of them, up to the first after them."""
    year, last = divmod(month, 100)
    end = datetime(year + last // 12, last % 12 + 1, 1, tzinfo=CHINA)
    return end.replace(year=end.year - 1), end


def write_page(db: Session, month: int, after: int, now: datetime) -> Page:
    """The next donors behind ``after``. Who has it already, has turned it off, has left or is erased gets none."""
    page = select(Pledge.donor_id).where(Pledge.donor_id > after).distinct().order_by(Pledge.donor_id).limit(PEOPLE)
    donors = db.scalars(page).all()
    facts = list(_facts(db, month, donors)) if donors else []
    written = _write(db, month, facts, now) if facts else []
    _drop_earlier(db, dict(written))
    return Page(len(written), donors[-1] if donors else after, len(donors) < PEOPLE)


def _facts(db: Session, month: int, donors: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Donor and facts, of those among these neighbours who gave in the year."""
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
        .where(Pledge.donor_id.between(donors[0], donors[-1]), Pledge.state.in_(COUNTED))
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
    """(conversation, notice) of those that are new."""
    kept = Notification.__table__.c
    user_id, theirs_facts = column("user_id", BigInteger), column("facts", kept["facts"].type)
    theirs = values(user_id, theirs_facts, name="theirs").data(facts).cte("theirs")
    same = {"template": TEMPLATE, "created_at": now, "due_at": now, "urgency": "bulk"}
    muted = (Mute.conversation_id == Conversation.id) & (Mute.topic == KINDS[TEMPLATE].topic) & (Mute.subject_id == 0)
    told: Any = (
        select(
            Conversation.id,
            literal(f"{TEMPLATE}:{month // 100}-{month % 100:02}:", String) + cast(Conversation.id, String),
            theirs.c.facts,
            *(literal(value, kept[name].type) for name, value in same.items()),
        )
        .join(theirs, theirs.c.user_id == Conversation.user_id)
        .join(User, User.id == Conversation.user_id)
        .where(User.state == "active", Conversation.following, ~select(Mute.topic).where(muted).exists())
        # Several walkers at once take the keys in one order, so that none waits for another in a ring.
        .order_by(Conversation.id)
    )
    written = (
        insert(Notification)
        .from_select(["conversation_id", "dedupe_key", "facts", *same], told, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notification.conversation_id, Notification.id)
    )
    return [(person, notice) for person, notice in db.execute(written)]


def _drop_earlier(db: Session, written: dict[int, int]) -> None:
    """Of another month, and not told yet: this one says it anew. What a worker is just pushing still goes out."""
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
