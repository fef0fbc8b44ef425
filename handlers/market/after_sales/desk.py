"""看, 通过, 驳回 of an after-sale: the township decides for the buyer or for the seller."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, ReasonedDecision, SubjectActions
from models.core.calendar import day_in_china
from models.goods.exchange import NoSuchThing
from models.market.after_sales import desk
from models.market.after_sales.after_sale import NAME, AfterSale
from models.market.orders.order import Order
from models.staff.member import Staff


def uphold_after_sale(talk: Talk, reference: str, words: str = "") -> Answer:
    """Decide, with a reason, for the buyer. A numbered line and 通过 lead here."""
    return with_reasons(talk, "uphold_after_sale", reference, words)


def _show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchThing."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchThing(what=NAME, number=number)
    file = desk.open_file(talk.turn.db, staff, number, talk.world.now)
    said = ("uphold_after_sale", "reject") if file.task.mine else ()
    ways = {name: ["command", name, f"{NAME}:{number}"] for name in said}
    named = labels(talk.world.lexicon, "unit", "after_sale_wrong", "after_sale_wish")
    values = {"file": file, "labels": named, **pictures(talk, NAME, number)}
    return with_ways("replies/market/after_sale_file", values, ways)


def _queue_line(db: Session, number: int) -> QueueLine:
    order = db.get_one(Order, db.get_one(AfterSale, number).order_id)
    return ["look", f"{NAME}:{number}"], {"item": order.name}


def _must_read_first(talk: Talk, _command: str, number: int) -> Answer | None:
    """Show the file instead of deciding, where the officer has not read it as it now is.

    Raises as models.market.after_sales.desk.check_decidable does.
    """
    db, staff = talk.turn.db, staff_of(talk)
    desk.check_decidable(db, staff, number)
    return opened_first(partial(_show_file, talk, number), is_read=desk.is_read(db, staff, number))


def _approve(talk: Talk, number: int) -> Answer:
    return uphold_after_sale(talk, f"{NAME}:{number}")


def _decide(buyer: bool, talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    rules = talk.world.lexicon.market
    found = desk.decide_for(talk.turn.db, staff, number, reasons, talk.world.now, rules, buyer=buyer)
    due = day_in_china(found.due_at) if found.due_at else None
    values = {"number": number, "buyer": buyer, "due": due, "again": found.wish == "again"}
    return Answer([Say("replies/market/after_sale_decided", None, values)])


ACTIONS = SubjectActions(
    NAME,
    _show_file,
    queue_line=_queue_line,
    must_read_first=_must_read_first,
    approve=_approve,
    reasoned={
        "uphold_after_sale": ReasonedDecision("after_sale_uphold_reason", partial(_decide, True)),
        "reject": ReasonedDecision("after_sale_dismiss_reason", partial(_decide, False)),
    },
    check=lambda talk, staff, _command, number: desk.check_decidable(talk.turn.db, staff, number),
)
