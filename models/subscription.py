"""Consent to subscription notices: how many of each template a person may be sent, and when they were asked.

Each yes in WeChat's popup is good for one notice, without end; a long-term template's for any number
(doc/service/Subscription_Messages/intro.html).
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base


class Subscription(Base):
    """``template_id`` is WeChat's. ``refused_at``: their last no, which is not asked over."""

    __tablename__ = "subscriptions"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    left: Mapped[int] = mapped_column(default=0, server_default="0")
    for_good: Mapped[bool] = mapped_column(default=False, server_default="0")
    asked_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]


def find_consents(db: Session, people: Iterable[int]) -> dict[tuple[int, str], Subscription]:
    """What these people consented to and has not been used up, by (conversation, template); held."""
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
