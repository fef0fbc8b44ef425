"""待查 <号>: the fund holder lists suspense items, opens one, and chooses how to settle it."""

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.staff import recusal
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, SubjectActions
from models.core.state_machine import By
from models.payments.suspense import SuspenseItem
from models.payments.suspense_desk import NoSuchSuspenseItem, SuspenseFile, find_suspense_item, list_suspense_items

MOST = 6


def suspense_items(talk: Talk, number: str = "") -> Answer:
    """List the open suspense items; with a number, show that one."""
    if number:
        return view_suspense_item(talk, number)
    found = list_suspense_items(talk.turn.db, staff_of(talk), MOST + 1)
    lines = list(enumerate(found[:MOST], 1))
    options = [Option(n, "", ["command", "view_suspense_item", str(item.id)]) for n, item in lines]
    return Answer([Say("replies/payments/suspense_items", None, {"lines": lines, "more": len(found) > MOST})], options)


def view_suspense_item(talk: Talk, number: str) -> Answer:
    """Show a suspense item, its order and the ways to settle it. Raises NoSuchSuspenseItem."""
    staff = find_seat(talk)
    if staff is None or staff.role != By.FUND_HOLDER:
        raise NoSuchSuspenseItem(number=int(number))
    file = find_suspense_item(talk.turn.db, staff, int(number), talk.world.now)
    return with_ways("replies/payments/suspense_item", {"file": file}, _ways(file))


def settle_suspense(talk: Talk, number: str, how: str) -> Answer:
    """Start to settle a suspense item in the way ``how``. Only a numbered line leads here."""
    aside = recusal.recuse_and_answer(talk.turn, staff_of(talk), "suspense_item", int(number))
    flow = "suspense_by_hand" if how == "by_hand" else "settle_suspense"
    return aside or talk.start(flow, {"suspense_item": int(number), "how": how})


def _ways(file: SuspenseFile) -> dict[str, list[str]]:
    number = str(file.item.id)
    hows = ["by_hand"] if file.appeal is None else ["give_back", *(["assign"] if file.may_assign else [])]
    ways = {how: ["command", "settle_suspense", number, how] for how in hows}
    return ways | {"list": ["command", "suspense_items"]}


def _line(db: Session, number: int) -> QueueLine:
    return ["view_suspense_item", str(number)], {"amount_fen": db.get_one(SuspenseItem, number).amount_fen}


ACTIONS = SubjectActions("suspense_item", queue_line=_line)
