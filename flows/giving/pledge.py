"""捐: a donor pledges money to one appeal, and reviews what it is for before the pledge counts."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.notifications.ask_subscription import ask_link
from flows.readers import Choice, Money
from models.appeals.appeal import Appeal, BudgetLine, get_appeal
from models.core.money import SMALLEST_PLEDGE
from models.giving.gift_notifications import funding_progress, notify_of_gift
from models.giving.pledge import NoCollector, NotFunding, Pledge, check_open, make_pledge, raised
from models.organisations.collector import find_collector
from models.payments.collection import admit_donor, await_payment, room
from models.people.user import get_user
from models.staff.member import Staff, find_staff

MOST_LINES = 3


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a registered donor to an open appeal. ``given``: ``appeal_id``, and ``said``, to repeat after registering.

    Raises NoSuchAppeal, and as ``admit_donor``.
    """
    appeal = get_appeal(turn.db, given["appeal_id"])
    donor = admit_donor(turn.db, appeal, turn.person.user_id, turn.world.now, then=given["said"])
    return {"appeal_id": appeal.id, "title": appeal.title, "name": donor.display_name}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Collect the facts of the review: budget, endorser's work number, progress, and whether it still takes money.

    ``room_fen``: what is still missing, where that is less than the amount; else None.
    """
    appeal = get_appeal(turn.db, draft.given["appeal_id"])
    largest_first = select(BudgetLine).where(BudgetLine.appeal_id == appeal.id).order_by(BudgetLine.amount_fen.desc())
    lines = turn.db.scalars(largest_first).all()
    officer = turn.db.get(Staff, appeal.endorsed_by) if appeal.endorsed_by else None
    return {
        "lines": [{"item": line.item, "amount_fen": line.amount_fen} for line in lines[:MOST_LINES]],
        "line_count": len(lines),
        "work_no": officer.work_no if officer else None,
        "endorsed_at": appeal.endorsed_at,
        "deadline": appeal.deadline,
        "minimum_fen": appeal.minimum_fen,
        "crowdfund": appeal.kind == "crowdfund",
        "closed": _closed(turn.db, appeal, turn.world.now),
        "collects": turn.world.collects,
        "target_fen": appeal.target_fen,
        **asdict(raised(turn.db, [appeal.id])[appeal.id]),
        "room_fen": _room_if_less(turn, appeal, draft.answers.get("amount", 0)),
        "collector": find_collector(turn.db, appeal.charity_id, appeal.filing_id),
    }


def _room_if_less(turn: TurnContext, appeal: Appeal, amount_fen: int) -> int | None:
    left = room(turn.db, appeal) if turn.world.collects else amount_fen
    return left if left < amount_fen else None


def done(turn: TurnContext, draft: Draft) -> Answer:
    donor = get_user(turn.db, turn.person.user_id)
    appeal = get_appeal(turn.db, draft.given["appeal_id"], lock=True)
    anonymous = draft.answers["anonymous"] == "yes"
    amount = draft.answers["amount"]
    now, person = turn.world.now, turn.person
    by_staff = find_staff(turn.db, person.account, person.openid, now) is not None
    pledge = make_pledge(turn.db, draft.id, appeal, donor, amount, anonymous, now, by_staff=by_staff)
    name = None if anonymous else donor.display_name
    # The same draft again returns the existing pledge, whose notifications were sent.
    new = pledge.created_at == now
    if new and turn.world.collects:
        await_payment(turn.db, pledge, appeal, now)  # the owner is notified when it is paid
    told = new and not turn.world.collects
    reached = notify_of_gift(turn.db, appeal, pledge, name, now) if told else funding_progress(turn.db, appeal)
    facts = {"number": appeal.id, "title": appeal.title, "amount_fen": amount, "name": name, **reached}
    pay = _pay_link(turn, pledge)
    subscribe = "" if pay else ask_link(turn)  # only one link, so that the donor does not tap the wrong one
    # A donor who has yet to pay may leave a message after the payment.
    options = [] if pay else [Option(1, "", ["command", "leave_message", pledge.code])]
    values = {**facts, "code": pledge.code, "pay": pay, "pay_by": pledge.pay_by, "subscribe": subscribe}
    return Answer([Say("flows/giving/pledge/done", None, values)], options)


def _pay_link(turn: TurnContext, pledge: Pledge) -> str:
    """Return the link of the payment page; empty if payments are off or the pledge does not await payment."""
    waits = turn.world.collects and pledge.state == "awaiting_payment"
    return turn.world.link("pay", f"pledge:{pledge.id}") if waits else ""


def _closed(db: Session, appeal: Appeal, now: datetime) -> str | None:
    """Return why it stopped taking pledges (past, frozen, full, uncollected or over); None if it takes them."""
    try:
        check_open(db, appeal, None, now)
    except NoCollector:
        return "uncollected"
    except NotFunding:
        return {"funding": "past", "frozen": "frozen", "funded": "full"}.get(appeal.state, "over")
    return None


pledge = Flow(
    "pledge",
    room="giving",
    steps=(
        Step("amount", Money(min=SMALLEST_PLEDGE)),
        Step("anonymous", Choice("anonymous")),
    ),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
