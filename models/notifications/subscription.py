"""Keep consents to subscription notices: how many of each template a person may be sent, and when they were asked.

Each yes in WeChat's popup allows one notice and does not expire; for a long-term template it allows any number
(doc/service/Subscription_Messages/intro.html). A person's turns run one after another, and a worker locks the row
while it takes a consent, so the count here is never higher than WeChat's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, and_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base

# How many templates one wx-open-subscribe may ask for: doc/service/Subscription_Messages/intro.html.
PER_POPUP = 5
# Our own limits: no one is asked more often, and after a no not for a long time.
ASK_AGAIN = timedelta(days=7)
AFTER_A_NO = timedelta(days=90)
# Only staff get these cards (config/push.toml).
STAFF_CARDS = frozenset({"task"})


@dataclass(frozen=True, slots=True)
class SubscriptionTemplates:
    """The account's templates of subscription notices. ``ids``: card (config/push.toml) -> WeChat's id.

    ``for_good``: the cards whose template is a long-term one.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    for_good: frozenset[str] = frozenset()

    def card_of(self, template_id: str) -> str | None:
        return next((card for card, known in self.ids.items() if known == template_id), None)


NO_TEMPLATES = SubscriptionTemplates()


class Subscription(Base):
    """``template_id`` is WeChat's. ``left``: unused consents. ``refused_at``: the last no; None after a later yes."""

    __tablename__ = "subscriptions"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    left: Mapped[int] = mapped_column(default=0, server_default="0")
    for_good: Mapped[bool] = mapped_column(default=False, server_default="0")
    asked_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]


def lock_consents(db: Session, people: Iterable[int]) -> dict[tuple[int, str], Subscription]:
    """Find and lock the people's unused consents, by (conversation, template)."""
    rows = db.scalars(
        select(Subscription)
        .where(
            Subscription.conversation_id.in_(sorted(set(people))),
            Subscription.for_good | (Subscription.left > 0),
        )
        .order_by(Subscription.conversation_id, Subscription.template_id)
        .with_for_update()
    )
    return {(row.conversation_id, row.template_id): row for row in rows}


def return_consents(db: Session, taken: Iterable[tuple[int, str]]) -> None:
    """Return consents, by (conversation, template), that certainly were not used up.

    Not to people who have said no: they may have withdrawn everything meanwhile.
    """
    _change(db, taken, {"left": Subscription.left + 1}, Subscription.refused_at.is_(None))


def delete_consents(db: Session, refused: Iterable[tuple[int, str]]) -> None:
    """Delete the consents that WeChat says do not exist (43101)."""
    _change(db, refused, {"left": 0, "for_good": False})


def _change(
    db: Session, taken: Iterable[tuple[int, str]], values: Mapping[str, Any], *only: ColumnElement[bool]
) -> None:
    for person, template_id in sorted(taken):
        mine = and_(Subscription.conversation_id == person, Subscription.template_id == template_id, *only)
        db.execute(update(Subscription).where(mine).values(values).execution_options(synchronize_session=False))


def accept(db: Session, conversation_id: int, template_id: str, *, for_good: bool) -> None:
    """Record a yes in the popup: one notice more, or (``for_good``) any number."""
    row = _held(db, conversation_id, template_id)
    row.left += 1
    row.for_good = row.for_good or for_good
    row.refused_at = None


def refuse(db: Session, conversation_id: int, template_id: str, now: datetime) -> None:
    """Record a no in the popup; earlier consents stay."""
    _held(db, conversation_id, template_id).refused_at = now


def take_back(db: Session, conversation_id: int, template_id: str, now: datetime) -> None:
    """Record a no in WeChat's settings, which withdraws all earlier consents."""
    row = _held(db, conversation_id, template_id)
    row.left, row.for_good, row.refused_at = 0, False, now


def allow_again(db: Session, conversation_id: int, template_id: str) -> None:
    """Record a yes in WeChat's settings: it gives no consent, but the person may be asked again."""
    _held(db, conversation_id, template_id).refused_at = None


def templates_to_ask_for(
    db: Session, conversation_id: int, templates: SubscriptionTemplates, *, staff: bool = False
) -> list[str]:
    """List the templates that a popup can ask this person for: relevant ones without an unused consent."""
    ids = [templates.ids[card] for card in sorted(templates.ids) if staff or card not in STAFF_CARDS]
    rows = _rows(db, conversation_id, ids)
    given = {row.template_id for row in rows if row.for_good or row.left}
    return [template_id for template_id in ids if template_id not in given][:PER_POPUP]


def ask_if_due(db: Session, conversation_id: int, templates: SubscriptionTemplates, now: datetime) -> bool:
    """Tell whether to ask this person now, and if so record that they were asked.

    Not while they have every consent, not twice within ASK_AGAIN, and not within AFTER_A_NO of any no.
    """
    wanted = templates_to_ask_for(db, conversation_id, templates)
    if not wanted:
        return False
    for row in _rows(db, conversation_id, templates.ids.values()):
        asked, refused = row.asked_at, row.refused_at
        if (asked and asked > now - ASK_AGAIN) or (refused and refused > now - AFTER_A_NO):
            return False
    note_asked(db, conversation_id, wanted, now)
    return True


def note_asked(db: Session, conversation_id: int, wanted: Iterable[str], now: datetime) -> None:
    for template_id in wanted:
        _held(db, conversation_id, template_id).asked_at = now


def _rows(db: Session, conversation_id: int, ids: Iterable[str]) -> list[Subscription]:
    mine = (Subscription.conversation_id == conversation_id) & Subscription.template_id.in_(sorted(ids))
    return list(db.scalars(select(Subscription).where(mine)))


def _held(db: Session, conversation_id: int, template_id: str) -> Subscription:
    """Lock the row, or create it: no other transaction does, since a person's turns run one after another."""
    row = db.get(Subscription, (conversation_id, template_id), with_for_update=True, populate_existing=True)
    if row is None:
        row = Subscription(conversation_id=conversation_id, template_id=template_id, left=0, for_good=False)
        db.add(row)
        db.flush()
    return row
