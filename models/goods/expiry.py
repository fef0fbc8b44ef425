"""Ask owners whether what is old still stands, and let what nobody answers for expire."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from models.core.calendar import CHINA, day_in_china
from models.core.state_machine import SYSTEM
from models.goods.exchange import REQUEST, GoodsRequest
from models.goods.matches import leaving
from models.goods.review import REVIEWED, Reviewed, notify_owner
from models.goods.rules import GoodsRules
from models.notifications.notify import notify_user

_BATCH = 100


def ask_about_old(db: Session, rules: GoodsRules, now: datetime) -> int:
    """Ask the owners of what was approved or renewed ``days_fresh`` ago; one digit renews it. Returns how many.

    A request is asked about as soon as the day is past by which it was needed. Takes one batch of each kind.
    """
    count = 0
    for kind in REVIEWED.values():
        table = kind.subject.table
        since = func.coalesce(table.renewed_at, table.looked_at)
        old = since <= now - timedelta(days=rules.days_fresh)
        for thing in db.scalars(_public(kind).where(table.asked_at.is_(None), old).order_by(since)).all():
            _ask(db, kind, thing, rules, now)
            count += 1
    past = (GoodsRequest.asked_at.is_(None)) & (GoodsRequest.need_by < now.astimezone(CHINA).date())
    requests = REVIEWED[REQUEST.name]
    for request in db.scalars(_public(requests).where(past).order_by(GoodsRequest.need_by)).all():
        _ask(db, requests, request, rules, now)
        count += 1
    db.flush()
    return count


def _ask(db: Session, kind: Reviewed, thing: Any, rules: GoodsRules, now: datetime) -> None:
    thing.asked_at = now
    name, until = kind.subject.name, now + timedelta(days=rules.days_to_answer)
    need_by = getattr(thing, "need_by", None)
    facts = {"subject": name, "number": thing.id, "item": thing.title, "until": day_in_china(until)}
    facts |= {"reference": f"{name}:{thing.id}", "need_by": need_by.isoformat() if need_by else None}
    key = f"goods_old:{name}:{thing.id}:{now.date()}"
    notify_user(db, thing.owner_id, "goods_old", facts, key, now, about=(name, thing.id))


def expire_unanswered(db: Session, rules: GoodsRules, now: datetime) -> int:
    """Expire what its owner was asked about ``days_to_answer`` ago, and tell them. Returns how many.

    Takes one batch of each kind.
    """
    count = 0
    for kind in REVIEWED.values():
        asked_at = kind.subject.table.asked_at
        asked = asked_at <= now - timedelta(days=rules.days_to_answer)
        for thing in db.scalars(_public(kind).where(asked, _waits_for_nothing(kind)).order_by(asked_at)).all():
            kind.machine.move(db, thing, "expired", SYSTEM, now, "unanswered")
            leaving.follow(db, kind.subject.name, thing.id, "expired", now, by_owner=False)
            notify_owner(db, kind, thing, now)
            count += 1
    db.flush()
    return count


def is_asked(db: Session, name: str, number: int) -> bool:
    """Tell whether its owner is asked whether it still stands, and may renew it: it is public."""
    kind = REVIEWED[name]
    asked = (kind.subject.table.asked_at.is_not(None)) & (kind.subject.table.state == kind.public)
    return db.scalar(select(kind.subject.table.id).where(kind.subject.table.id == number, asked)) is not None


def _waits_for_nothing(kind: Reviewed) -> ColumnElement[bool]:
    """Keep a request for which something is promised: its household answers for that."""
    table = kind.subject.table
    return table.promised == 0 if kind.subject.name == "request" else true()


def _public(kind: Reviewed) -> Select[Any]:
    """Lock and select a batch of public things, skipping what another transaction has locked."""
    table = kind.subject.table
    seen = select(table).where(table.state == kind.public, table.looked_at.is_not(None))
    return seen.limit(_BATCH).with_for_update(skip_locked=True)
