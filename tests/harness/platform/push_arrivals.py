"""Pushes that arrive: as a worker would claim, send and settle them, without the network between."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.notifications.kinds import KINDS
from models.notifications.notification import TO_DELIVER, Notification
from models.notifications.notify import notify
from models.notifications.outbox import Outcome, claim_due, keep_outcomes
from tests.harness.stage import Stage


def arrive(stage: Stage, openid: str, kind: str, facts: dict[str, Any], channel: str = "service") -> int | None:
    """The notice's number; None when the person does not want to be told."""
    conversation, now = stage.person(openid), stage.clock()
    with Database(stage.database) as db, db.begin():
        key = f"arrive:{db.scalar(select(func.max(Notification.id)))}"
        notify(db, conversation, kind, facts, key, now, about=("appeal", facts["number"]))
        told: list[int] = db.info.get(TO_DELIVER, [])
        _send(db, told, channel, now)
    return told[0] if told else None


def go_out(stage: Stage, openid: str) -> list[int]:
    """What is owed to them and due, as customer service messages; the numbers of the notices."""
    conversation, now = stage.person(openid), stage.clock()
    with Database(stage.database) as db, db.begin():
        due = (
            (Notification.conversation_id == conversation)
            & (Notification.state == "owed")
            & (Notification.due_at <= now)
        )
        owed = list(db.scalars(select(Notification.id).where(due).order_by(Notification.id)))
        _send(db, owed, "service", now)
    return owed


def _send(db: Database, notices: list[int], channel: str, now: datetime) -> None:
    for owed in claim_due(db, notices, now):
        offered_at = now if KINDS[owed.template].offers else None
        keep_outcomes(db, [Outcome(owed.id, "sent", channel=channel, offered_at=offered_at)], now)
