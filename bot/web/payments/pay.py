"""Say what the page of a gift shows, and which state it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.payments.orders import OrderDesk
from bot.web.visitor import VisitRefused
from models.appeals.appeal import budget_of, get_appeal
from models.core.refusal import Refusal
from models.giving.matching import matching_offers
from models.giving.pledge import FALLBACKS, LEFT_APPEAL, PAID, OverCap, Pledge, check_not_full, check_open
from models.organisations.collector import find_collector
from models.payments.collection import NotPayable, check_payable
from models.payments.order import live_order
from models.people.user import User

MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class PayableGift:
    """A gift as the page to pay at has it (bot.web.payments.sheet.Payable), by its pledge's number."""

    desk: OrderDesk

    link: ClassVar[str] = "pay"
    path: ClassVar[str] = "/pay"
    template: ClassVar[str] = "payments/pay"

    @property
    def database(self) -> Engine:
        return self.desk.database

    def payer_id(self, db: Session, number: int) -> int | None:
        pledge = db.get(Pledge, number)
        return pledge.donor_id if pledge else None

    def state(self, db: Session, number: int, now: datetime) -> str:
        """Return the page's state: ready (to be paid), paid, back, question, full, shut (takes no gifts), over."""
        pledge = db.get_one(Pledge, number)
        if pledge.state in PAID:
            return "paid"
        if pledge.state in LEFT_APPEAL:
            return "back"
        try:
            check_payable(db, pledge, now)
        except NotPayable as refusal:
            if refusal.values["in_question"]:
                return "question"
            return _takes_another(db, pledge, now) or "over"
        except OverCap:
            return "full"
        except Refusal:
            return "shut"
        return "ready"

    def values(self, db: Session, number: int, now: datetime) -> Mapping[str, Any]:
        pledge = db.get_one(Pledge, number)
        appeal = get_appeal(db, pledge.appeal_id)
        lines = sorted(budget_of(db, appeal.id), key=lambda line: -line[1])
        donor = db.get_one(User, pledge.donor_id)
        return {
            "pledge": pledge,
            "appeal": appeal,
            "collector": find_collector(db, appeal.charity_id, appeal.filing_id),
            "lines": lines[:MOST_LINES],
            "line_count": len(lines),
            "name": None if pledge.anonymous else donor.display_name,
            "fallbacks": FALLBACKS,
            "matching": matching_offers(db, pledge.appeal_id, now),
        }

    def place(self, number: int, openid: str, sent: Any) -> Mapping[str, str]:
        chosen = sent.get("fallback") if isinstance(sent, dict) else None
        if chosen not in FALLBACKS:
            raise VisitRefused("again", 400)
        return self.desk.place(number, openid, str(chosen))

    def refresh(self, number: int) -> None:
        with Session(self.database) as db:
            live = live_order(db, number)
        if live:
            self.desk.refresh(live.id)


def _takes_another(db: Session, pledge: Pledge, now: datetime) -> str | None:
    """Return why the appeal of an unpaid gift takes no other either (full, shut); None if it does: only then is the
    donor told how to give again."""
    appeal = get_appeal(db, pledge.appeal_id)
    try:
        check_open(db, appeal, None, now)
        check_not_full(db, appeal)
    except OverCap:
        return "full"
    except Refusal:
        return "shut"
    return None
