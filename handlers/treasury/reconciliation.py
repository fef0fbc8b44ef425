"""对账 [日期]: show the reconciliation of days and the open discrepancies. 结案: close a discrepancy."""

from datetime import date

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.numerals import ordinal
from flows.readers.numbers.dates import DateFinder
from handlers.routing.answers import more, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from handlers.staff.subject_actions import QueueLine, SubjectActions
from models.market.money.seller_accounts import ORDERS, order_code
from models.treasury.account_kind import kind_of
from models.treasury.discrepancy import (
    REASONS,
    Discrepancy,
    close_discrepancy,
    count_open,
    find_discrepancy,
    list_open_discrepancies,
)
from models.treasury.discrepancy_tasks import sync_discrepancy_tasks
from models.treasury.gift_accounts import GIFTS
from models.treasury.seen_days import NoSuchBillDay, charities_by_merchant, days_of, latest_days, sum_of_day

PAGE = 5
DAYS = 5
_SET = "discrepancy_reason"


def reconcile(talk: Talk, words: str = "") -> Answer:
    """Show one day, or without words the last days and all open discrepancies. Raises NoSuchBillDay."""
    if not words:
        return _listed(talk, None, 0)
    db, staff = talk.turn.db, staff_of(talk)
    day = DateFinder(talk.world.today, talk.world.lexicon, backwards=True).find(words)
    if day is None or not (days_of(db, staff, GIFTS, day) or sum_of_day(db, staff, ORDERS, day)):
        raise NoSuchBillDay(words=words)
    return _listed(talk, day, 0)


def more_discrepancies(talk: Talk, after: str, day: str = "") -> Answer:
    return _listed(talk, date.fromisoformat(day) if day else None, int(after))


def view_discrepancy(talk: Talk, number: str) -> Answer:
    """Show what each side has of a discrepancy. Raises NoSuchDiscrepancy."""
    db = talk.turn.db
    found = find_discrepancy(db, staff_of(talk), int(number))
    ways = {"close": ["command", "close_discrepancy", number]}
    if kind_of(db, found.merchant) is ORDERS:
        return with_ways("replies/treasury/order_discrepancy", {"item": found, "order": order_code(db, found)}, ways)
    return with_ways("replies/treasury/discrepancy", {"item": found}, ways)


def close(talk: Talk, number: str = "", words: str = "") -> Answer:
    """结案 <号> <理由> <说明>: close a discrepancy; without a known reason list the reasons.

    Raises NoSuchDiscrepancy or NoteMissing."""
    if not number:
        return reconcile(talk)
    db, staff = talk.turn.db, staff_of(talk)
    reason, note = _reason(talk, words)
    if reason is None:
        find_discrepancy(db, staff, int(number))
        lines = [(n, label) for n, (_, label) in enumerate(talk.world.lexicon.options(_SET), 1)]
        values = {"number": int(number), "lines": lines, "unknown": bool(words)}
        return Answer([Say("replies/treasury/which_discrepancy_reason", None, values)])
    closed = close_discrepancy(db, staff, int(number), reason, note, talk.world.now)
    sync_discrepancy_tasks(db, talk.world.now, staff)
    return Answer(
        [Say("replies/treasury/discrepancy_closed", None, {"item": closed, "left": len(_some(talk, closed))})]
    )


def _listed(talk: Talk, day: date | None, after: int) -> Answer:
    db = talk.turn.db
    found = list_open_discrepancies(db, staff_of(talk), PAGE + 1, after, day)
    shown = list(enumerate(found[:PAGE], 1))
    options = [Option(n, "", ["command", "view_discrepancy", str(one.id)]) for n, one in shown]
    if len(found) > PAGE:
        options += more(talk, PAGE + 1, "more_discrepancies", str(found[PAGE - 1].id), day.isoformat() if day else "")
    staff = staff_of(talk)
    days = [] if after else days_of(db, staff, GIFTS, day) if day else latest_days(db, staff, GIFTS, DAYS)
    merchants = {one.merchant for one in days}
    values = {
        "days": days,
        "whose": charities_by_merchant(db, merchants) if len(merchants) > 1 else {},
        "open": count_open(db, [one.bill for one in days]),
        "sellers": None if after else sum_of_day(db, staff, ORDERS, day),
        "lines": shown,
        "one_day": day,
        "later": bool(after),
        "more": PAGE + 1 if len(found) > PAGE else None,
    }
    return Answer([Say("replies/treasury/reconciliation", None, values)], options)


def _some(talk: Talk, closed: Discrepancy) -> list[Discrepancy]:
    """List what is still open of the same day, up to a page."""
    return list(list_open_discrepancies(talk.turn.db, staff_of(talk), PAGE, 0, closed.day))


def _reason(talk: Talk, words: str) -> tuple[str | None, str]:
    """Split the words into a reason (its number in the list, label or key; None if unknown) and the note."""
    said, _, note = words.strip().partition(" ")
    number = ordinal(said)
    if number is not None and 1 <= number <= len(REASONS):
        return talk.world.lexicon.options(_SET)[number - 1][0], note
    return (said if said in REASONS else talk.world.lexicon.pick(_SET, said)), note


def _line(db: Session, number: int) -> QueueLine:
    day = db.get_one(Discrepancy, number).day
    return ["more_discrepancies", "0", day.isoformat()], {"day": day}


ACTIONS = SubjectActions("discrepancy", queue_line=_line)
