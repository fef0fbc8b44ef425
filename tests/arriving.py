"""Pushes that arrive: as a worker would claim, send and settle them, without the network between."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.notice import TOLD, Notice, tell
from models.notice_kind import KINDS
from models.outbox import Outcome, claim, settle
from tests.stage import Stage


def arrive(stage: Stage, openid: str, kind: str, facts: dict[str, Any], channel: str = "service") -> int | None:
    """The notice's number; None when the person does not want to be told."""
    conversation, now = stage.person(openid), stage.clock()
    with Database(stage.database) as db, db.begin():
        key = f"arrive:{db.scalar(select(func.max(Notice.id)))}"
        tell(db, conversation, kind, facts, key, now, about=("appeal", facts["number"]))
        told: list[int] = db.info.get(TOLD, [])
        for owed in claim(db, told, now):
            settle(db, [Outcome(owed.id, "sent", channel=channel, offers=bool(KINDS[kind].offers))], now)
    return told[0] if told else None
