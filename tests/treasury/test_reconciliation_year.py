"""A year of trade bills with errors in them, through the simulator: all of these are found, and no other.

Seeded. The year's own payments, refunds and postings are written in bulk; everything that is tested goes the real way:
each bill is fetched over HTTP, proved, read, kept and compared.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session as Database

from models.core.calendar import CHINA
from models.ledger.accounts import lock
from models.ledger.tables import LedgerEntry, LedgerLink, LedgerTransaction
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.treasury.bill import BillDay, begins, number_of
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.first_charity import CHANNEL, UNASSIGNED
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, Row, bill_of, counter
from tests.scenes.money.gifts import promise

SEED = 20_261_125
YEAR, SEASON = 365, 91
BUSY = 80
DAY = timedelta(days=1)
Key = tuple[date, str, str, str]
"""Day, kind, subject, number."""


@dataclass
class Year:
    """What happened, what the bills say of it, and what is wrong with them."""

    pledge: int
    appeal: int
    days: int
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    orders: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    postings: list[tuple[str, str, datetime, int]] = field(default_factory=list)
    bills: dict[date, list[Row]] = field(default_factory=dict)
    wrong: set[Key] = field(default_factory=set)
    serial: int = 1000

    def next(self) -> int:
        self.serial += 1
        return self.serial

    def order(self, at: datetime, *, state: str = "paid", posted: bool = True) -> Row:
        """The line that the bill should have of it."""
        number, fen = self.next(), self.rng.randrange(100, 100_000)
        out_trade_no = f"Y{number:09d}{'_-aZ'[number % 4]}"
        transaction_id = f"4200{number:012d}"
        paid = {"transaction_id": transaction_id, "paid_at": at} if state == "paid" else {}
        fixed = {"id": number, "pledge_id": self.pledge, "merchant": MCHID, "out_trade_no": out_trade_no}
        times = {"created_at": at - timedelta(minutes=1), "expires_at": at + DAY, "check_at": at, "amount_fen": fen}
        self.orders.append({**fixed, **times, "state": state, "transaction_id": None, "paid_at": None, **paid})
        if state == "paid" and posted:
            self.postings.append(("payment_unassigned", f"order:{number}", at, fen))
        return Row(at, transaction_id, out_trade_no, fen)

    def refund(self, paid: Row, asked: datetime, state: str, ended: datetime | None, rounds: int = 1) -> Row:
        number = self.next()
        out_refund_no = f"R{number:09d}{'_-bY'[number % 4]}"
        order = int(paid.out_trade_no[1:10])
        fixed = {"id": number, "pay_order_id": order, "pledge_id": self.pledge, "appeal_id": self.appeal}
        said: dict[str, Any] = {"merchant": MCHID}
        said |= {"out_refund_no": out_refund_no, "amount_fen": paid.fen, "reason": "twice", "state": state}
        times = {"created_at": asked, "asked_at": asked, "ended_at": ended, "tries": 1, "round": rounds}
        self.refunds.append({**fixed, **said, **times})
        if ended:
            self.postings.append(("refund_paid", f"refund:{number}", ended, -paid.fen))
        return replace(paid, at=asked, out_refund_no=out_refund_no, refund_state="SUCCESS" if ended else "PROCESSING")

    def bill(self, day: date, row: Row) -> None:
        self.bills.setdefault(day, []).append(row)

    def find(self, day: date, kind: str, row: Row) -> None:
        subject = "refund" if row.out_refund_no else "payment"
        self.wrong.add((day, kind, subject, row.out_refund_no or row.transaction_id))


def simulate(year: Year) -> None:
    for n in range(year.days):
        day = TODAY + n * DAY
        quiet = year.rng.random() < 0.03
        rows = [] if quiet else live(year, day)
        if year.rng.random() < 0.7 and len(rows) > 12:
            rows = err(year, day, rows)
        for row in rows:
            year.bill(day, row)
        about_midnight(year, day)
    # What was paid before the last midnight is judged with a bill that is not here yet.
    last = TODAY + (year.days - 1) * DAY
    year.wrong = {key for key in year.wrong if key[0] <= last}


def moment(year: Year, day: date) -> datetime:
    """Not about midnight: that has its own."""
    return begins(day) + timedelta(seconds=year.rng.randrange(1_200, 86_400 - 1_200))


def live(year: Year, day: date) -> list[Row]:
    """A day on which all is right."""
    rows = [year.order(moment(year, day)) for _ in range(year.rng.randrange(BUSY // 2, BUSY * 2))]
    for paid in year.rng.sample(rows, len(rows) // 8):
        asked = min(
            paid.at + timedelta(seconds=year.rng.randrange(60, 3_600)), begins(day) + DAY - timedelta(hours=0.4)
        )
        match year.rng.randrange(6):
            case 0 | 1:
                rows.append(year.refund(paid, asked, "paid", asked + timedelta(minutes=1)))
            case 2:
                later = year.refund(paid, asked, "paid", asked + timedelta(days=1, hours=1))
                rows.append(replace(later, refund_state="PROCESSING"))
            case 3:
                rows.append(replace(year.refund(paid, asked, "abnormal", None), refund_state="ABNORMAL"))
            case 4:
                rows.append(year.refund(paid, asked, "asked", None))
            case 5:  # closed by the platform, and asked for anew the day after
                again = year.refund(paid, asked, "paid", asked + DAY + timedelta(minutes=1), rounds=2)
                rows.append(replace(again, refund_state="CLOSED"))
                second = replace(again, at=asked + DAY, out_refund_no=f"{again.out_refund_no}@2")
                year.bill(day + DAY, second)
    gift = year.order(moment(year, day))
    return [*rows, replace(gift, description="灯`笼, `一`对")]


def about_midnight(year: Year, day: date) -> None:
    """By our clock on one side of it, by theirs on the other: on the other day's bill, and right all the same."""
    end = begins(day) + DAY
    for ours, theirs in ((-2, 3), (4, -1), (-500, 1), (300, -1)):
        if year.rng.random() < 0.15:
            row = year.order(end + timedelta(seconds=ours))
            at = end + timedelta(seconds=theirs)
            year.bill(at.astimezone(CHINA).date(), replace(row, at=at))
    if year.rng.random() < 0.15:  # on no bill at all
        row = year.order(end - timedelta(seconds=30))
        year.find(day, "missing_there", row)


def err(year: Year, day: date, rows: list[Row]) -> list[Row]:
    """A few lines of the day are wrong, each in one way."""
    year.rng.shuffle(rows)
    payments = [row for row in rows if not row.out_refund_no]
    back = [row for row in rows if row.out_refund_no]
    for wrong in year.rng.sample((drop, alter, rename, twice, unposted, stranger, closed), year.rng.randrange(1, 4)):
        wrong(year, day, rows, payments.pop())
    if back and year.rng.random() < 0.8:
        astray_back(year, day, rows, back.pop())
    return rows


def drop(year: Year, day: date, rows: list[Row], row: Row) -> None:
    rows.remove(row)
    year.find(day, "missing_there", row)


def alter(year: Year, day: date, rows: list[Row], row: Row) -> None:
    rows[rows.index(row)] = replace(row, fen=row.fen + year.rng.choice((-1, 1, 10_000)))
    year.find(day, "amount", row)


def rename(year: Year, day: date, rows: list[Row], row: Row) -> None:
    """Our transaction, under an order's number that is none of ours."""
    rows[rows.index(row)] = replace(row, out_trade_no=f"Z{year.next():09d}")
    year.find(day, "missing_here", row)
    year.find(day, "missing_there", row)


def twice(year: Year, day: date, rows: list[Row], row: Row) -> None:
    """Once more on the next day's bill."""
    year.bill(day + DAY, replace(row, at=row.at + DAY))
    year.find(day + DAY, "missing_here", row)


def unposted(year: Year, day: date, rows: list[Row], _row: Row) -> None:
    row = year.order(moment(year, day), posted=False)
    rows.append(row)
    year.find(day, "ledger", row)


def stranger(year: Year, day: date, rows: list[Row], _row: Row) -> None:
    number = year.next()
    row = Row(moment(year, day), f"4200{number:012d}", f"N{number:09d}", year.rng.randrange(100, 9_999))
    rows.append(row)
    year.find(day, "missing_here", row)


def closed(year: Year, day: date, rows: list[Row], _row: Row) -> None:
    """An order of ours that we hold for closed."""
    row = year.order(moment(year, day), state="closed")
    rows.append(row)
    year.find(day, "missing_here", row)


def astray_back(year: Year, day: date, rows: list[Row], row: Row) -> None:
    refund = year.refunds[[one["out_refund_no"] for one in year.refunds].index(row.out_refund_no)]
    place, ended = rows.index(row), refund["ended_at"]
    if ended is None:
        if refund["state"] == "asked":  # else it would be asked about
            refund["state"] = "refused"
            year.find(day, "state", row)
        else:
            rows[place] = replace(row, refund_state="SUCCESS")
            year.find(day, "state", row)
    elif refund["round"] == 2:
        rows[place] = replace(row, refund_state="SUCCESS")  # and once more under the next number
        year.find(day, "state", row)
    elif year.rng.random() < 0.4:
        rows.remove(row)
        year.find(ended.astimezone(CHINA).date(), "missing_there", row)
    elif year.rng.random() < 0.5 and row.refund_state == "SUCCESS":
        rows[place] = replace(row, refund_state=year.rng.choice(("PROCESSING", "CHANGE", "NEWS_TO_US")))
        year.find(day, "state", row)
    else:
        rows[place] = replace(row, fen=row.fen + 1)
        year.find(day, "amount", row)


def write(stage: Stage, year: Year) -> None:
    with Database(stage.database) as db, db.begin():
        accounts = {account.kind: held.id for account, held in lock(db, (CHANNEL, UNASSIGNED)).items()}
        first = (db.scalar(select(func.max(LedgerTransaction.id))) or 0) + 1
        link = (db.scalar(select(func.max(LedgerLink.number))) or 0) + 1
        # Each posting's own, one by one, would take minutes; the sums that they keep are not read here.
        db.execute(text("SET LOCAL statement_timeout = 0"))
        for table in ("ledger_transactions", "ledger_entries"):
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        db.execute(insert(PayOrder), year.orders)
        db.execute(insert(Refund), year.refunds)
        # Postings in the order of time, so that nothing goes back before it came.
        posted = list(enumerate(sorted(year.postings, key=lambda one: one[2])))
        moved = [{"id": first + n, "kind": kind, "cause": cause, "at": at} for n, (kind, cause, at, _) in posted]
        sides = ((accounts["channel"], 1), (accounts["unassigned"], -1))
        entries = [
            {"transaction_id": first + n, "account_id": account, "amount_fen": sign * fen}
            for n, (_, _, _, fen) in posted
            for account, sign in sides
        ]
        links = [{"number": link + n, "transaction_id": first + n, "hash": f"{n:064x}"} for n, _ in posted]
        db.execute(insert(LedgerTransaction), moved)
        db.execute(insert(LedgerEntry), entries)
        db.execute(insert(LedgerLink), links)
    # A test before may have left the planner with the belief that these tables are empty.
    with stage.database.begin() as connection:
        connection.execute(text("ANALYZE pay_orders, refunds, ledger_transactions, ledger_entries, ledger_links"))


def reconcile(till: Counter, year: Year) -> None:
    """Each morning yesterday's bill; now and then two days late, so that one is compared before the one before it."""
    bills, late = till.merchant.simulator.pay.bills, random.Random(SEED)
    waiting: list[date] = []
    for n in range(year.days):
        till.move(DAY if n else TOMORROW_MORNING)
        day = TODAY + n * DAY
        if rows := year.bills.get(day):
            bills._written[day, "ALL", ""] = bill_of(sorted(rows, key=lambda row: row.at), bills._words)
        if late.random() < 0.06 and 0 < n < year.days - 3:
            waiting.append(day)
            continue
        assert till.reconciler.fetch_bill(number_of(day))
        while waiting and waiting[0] <= day - 2 * DAY:
            missed = waiting.pop(0)
            assert till.reconciler.fetch_bill(number_of(missed))
            for after in range(1, (day - missed).days + 1):
                if missed + after * DAY not in waiting:
                    assert till.reconciler.fetch_bill(number_of(missed + after * DAY))


@pytest.mark.slow
@pytest.mark.parametrize("days", [SEASON, YEAR])
def test_a_year_of_bills_all_errors_are_found_and_none_invented(stage: Stage, days: int) -> None:
    with counter(stage) as till:
        appeal = stage.open_appeal()
        year = Year(promise(stage, appeal, 100), appeal, days)
        simulate(year)
        write(stage, year)
        reconcile(till, year)
        with Database(stage.database) as db:
            found = {(one.day, one.kind, one.subject, one.number) for one in db.scalars(select(Discrepancy))}
            rows = db.scalars(select(BillDay).where(BillDay.state == "compared")).all()
            reasons = set(db.scalars(select(Discrepancy.reason)))
        assert found - year.wrong == set()
        assert year.wrong - found == set()
        assert {kind for _, kind, _, _ in found} == {"missing_here", "missing_there", "amount", "state", "ledger"}
        assert (len(rows), reasons) == (days, {None})
        assert all(row.lines == len(year.bills.get(row.day, [])) for row in rows)
