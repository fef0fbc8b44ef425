"""Recurring gifts on the stage: begun, asked for as the scheduler does it, and paid."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from bot.work.schedule import SCHEDULE
from models.appeals.appeal import get_appeal
from models.donors.recurring_gift import RecurringGift, begin, pay
from models.giving.pledge import Pledge
from models.notifications.notification import Notification
from models.people.user import User
from tests.harness.stage import Stage
from tests.scenes.money.gifts import donor_of


@dataclass
class Context:
    """What the run looks at of bot.work.context.WorkerContext. ``pay``: something, where PAY_MODE is on."""

    database: Engine
    pay: object = "on"


def remind_donors(stage: Stage, pay: object = "on") -> None:
    run = SCHEDULE["recurring_gifts"].run
    assert run
    context: Any = Context(stage.database, pay)
    run(context, stage.clock())


def by_month(stage: Stage, appeal: int, fen: int = 5_000, openid: str = "oDonor", draft: str = "m-1") -> int:
    """Begun now; its number."""
    donor = donor_of(stage, openid)
    with Database(stage.database) as db, db.begin():
        held = get_appeal(db, appeal, lock=True)
        return begin(db, draft, held, db.get_one(User, donor), fen, False, stage.clock()).id


def pay_month(stage: Stage, appeal: int, openid: str = "oDonor") -> Pledge:
    donor = donor_of(stage, openid)
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        return pay(db, db.get_one(User, donor), appeal, stage.clock(), by_staff=False)


def recurring_gift_of(stage: Stage, number: int) -> RecurringGift:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(RecurringGift, number)


def told(stage: Stage, kind: str) -> list[dict[str, Any]]:
    import json

    with Database(stage.database) as db:
        found = db.scalars(select(Notification).where(Notification.template == kind).order_by(Notification.id))
        return [json.loads(notice.facts) for notice in found]
