"""WeChat Pay, the bank and the rest of the world as the money walk has them, and what must be true after each step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.money import SMALLEST_PLEDGE
from models.disbursements.approval import pass_on, turn_away
from models.disbursements.confirmation import answer
from models.disbursements.disbursement import SPENT, Disbursement
from models.disbursements.payout import pay
from models.giving.pledge import Pledge
from models.giving.pool_terms import PoolTerms, open_pool
from models.ledger import LedgerTransaction, totals
from models.ledger.accounts import LedgerAccount
from models.payments.collection import apply_payment, room
from models.payments.order import PayOrder
from models.payments.payout_return import enter_return
from models.payments.platform_order import Payment
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.staff.member import Staff
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import COUNTY, at, fixed, owner_of, people, seen

# Two appeals; the second is soon full, so that gifts meet at its last yuan.
TARGETS = (60_000, 3_000)
PASSERS = ("endorser", "township", "holder")
# Nobody fetches bills here or stands in a queue, and what workers see to within a day may take longer.
LEFT_OUT = ("bill_day", "task")
UNATTENDED = ("order_not_settled", "run_stands_still", "refund_stands_still")


@dataclass
class Platform:
    """``paid``: whose money it has taken, in order. ``refunds``: number -> (fen, state). ``out``: gone to the bank."""

    paid: list[Payment] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    refunds: dict[str, tuple[int, str]] = field(default_factory=dict)
    out: int = 0
    by_hand: int = 0

    def take(self, order: PayOrder, now: datetime) -> None:
        if order.out_trade_no not in self.closed and not self.has(order.out_trade_no):
            number = f"4200{len(self.paid):09d}{order.id}"
            self.paid.append(Payment(order.merchant, order.out_trade_no, number, order.amount_fen, now))

    def has(self, number: str) -> bool:
        return any(payment.out_trade_no == number for payment in self.paid)

    def close(self, number: str) -> bool:
        if not self.has(number):
            self.closed.add(number)
        return number in self.closed

    def end_refund(self, number: str, state: str) -> None:
        fen, before = self.refunds.get(number, (0, ""))
        if before == "PROCESSING":
            self.refunds[number] = (fen, state)

    @property
    def paid_back(self) -> int:
        return sum(fen for fen, state in self.refunds.values() if state == "SUCCESS")


class World(RuleBasedStateMachine):
    """``new_url``: an empty database for each walk. Rules are its heirs' affair.

    ``kept``: the channel's fees that the fund holder has not paid in; less than nothing where it has paid in too much.
    """

    new_url: Callable[[], str]

    def begin(self) -> None:
        """Two appeals that take gifts, their payees, and a pool that adds to them."""
        url = self.new_url()
        self.stage = Stage(url)
        self.staff = people(self.stage)
        self.platform, self.heard, self.trail = Platform(), set[str](), list[int]()
        self.there: dict[Any, set[str]] = {}
        self.strange = self.pool_net = self.kept = self.serials = 0
        self.appeals = [self.stage.open_appeal(target_fen=fen) for fen in TARGETS]
        for number in self.appeals:
            fixed(self.stage, number)
        self.stage.clock.move(timedelta(days=3))
        with self.db() as db:
            until = self.stage.clock() + timedelta(days=30)
            terms = PoolTerms("pool", "好邻居超市", None, "industry", COUNTY, 5_000, 2_000, 3_000, until)
            self.pool = open_pool(db, self.who(db, "holder"), terms, self.stage.clock()).id

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            self.stage.close()

    # What must be so

    @invariant()
    def all_is_right(self) -> None:
        """Read anew where anything has happened: whatever does leaves a trail."""
        if not hasattr(self, "appeals"):
            return
        with self.db() as db:
            trail = [db.scalar(select(func.max(table.id))) for table in (AuditEvent, LedgerTransaction)]
        if trail != self.trail:
            self.trail = trail
            self._count()
            self._books_are_right()
            self._sums_are_right()

    def _books_are_right(self) -> None:
        with self.stage.database.connect() as connection:
            found = [one for one in violations(connection, self.stage.clock()) if one.subject not in LEFT_OUT]
        assert [str(one) for one in found if one.code not in UNATTENDED] == []

    def _sums_are_right(self) -> None:
        with self.db() as db:
            sums = {appeal: totals(db, appeal.id) for appeal in db.scalars(select(Appeal))}
            spent = self._sum(db, Disbursement.amount_fen, Disbursement.state.in_(SPENT))
            open_cases = self._sum(db, SuspenseItem.amount_fen, SuspenseItem.closed_at.is_(None))
            cases_back = self._sum(db, SuspenseItem.amount_fen, SuspenseItem.outcome == "by_hand")
            owed = self._sum(db, Refund.amount_fen, Refund.state.not_in(("paid", "redirected")))
            back = self._sum(db, Refund.amount_fen, Refund.state == "paid")
            on = self.balances(db)
        came = sum(payment.fen for payment in self.platform.paid if payment.transaction_id in self.heard)
        assert on["channel"] == came + self.strange - self.platform.out - back - cases_back
        assert on["bank"] == self.platform.out - self.kept + self.pool_net - spent
        assert on["fees"] == self.kept
        assert (on["refunds"], on["unassigned"]) == (owed, open_cases)
        # What came is held, or somebody's again: nothing more, and nothing less.
        assert (
            sum(each.held for each in sums.values()) + owed + open_cases + on["pool"]
            == on["channel"] + on["bank"] + self.kept
        )
        assert back <= self.platform.paid_back + self.platform.by_hand
        for appeal, each in sums.items():
            assert each.public <= appeal.target_fen

    def _count(self) -> None:
        with self.db() as db:
            for table in (Pledge, PayOrder, Refund, Disbursement):
                self.there[table] = set(db.scalars(select(table.state).distinct()))
            self.there[SuspenseItem] = set(
                db.scalars(select(SuspenseItem.kind).where(SuspenseItem.closed_at.is_(None)).distinct())
            )

    # How it is done

    def db(self) -> Any:
        return at(self.stage)

    def hear(self, payment: Payment) -> None:
        with self.db() as db:
            apply_payment(db, payment, self.stage.clock())
        self.heard.add(payment.transaction_id)

    def strange_payment(self, number: str, fen: int) -> None:
        """A payment that cannot be right; twice, as everything comes twice."""
        transaction = f"strange-{self.appeals[0]}-{self.strange}-{number[:6]}"
        payment = Payment(MCHID, number, transaction, fen, self.stage.clock())
        for _ in range(2):
            with self.db() as db:
                apply_payment(db, payment, self.stage.clock())
        self.strange += fen

    def pay_out(self, use: int) -> None:
        seen(self.stage, use, self.staff["holder"])
        with self.db() as db:
            pay(db, self.who(db, "holder"), use, f"T{use}", self.stage.clock())

    def see_to(self, db: Database, use: Disbursement, deed: str) -> None:
        now = self.stage.clock()
        if deed in PASSERS:
            pass_on(db, self.who(db, deed), use.id, now)
        elif deed == "turn_away":
            turn_away(db, self.who(db, "endorser"), use.id, "requested", ("evidence_unclear",), now)
        elif deed == "bounce":
            enter_return(db, self.who(db, "holder"), use.id, now)
        else:
            answer(db, owner_of(db, db.get_one(Appeal, use.appeal_id)), use.code, deed, now)

    def amount(self, db: Database, appeal: Appeal, fen: int) -> int:
        """Less than the least gift: by so much more than the appeal is missing."""
        return fen if fen >= SMALLEST_PLEDGE else max(room(db, appeal), SMALLEST_PLEDGE) + fen

    def who(self, db: Database, name: str) -> Staff:
        return db.get_one(Staff, self.staff[name])

    def pick(self, table: Any, which: int, *states: str) -> Iterator[Any]:
        """One of those in these states, if there is one; the newest is the first."""
        with self.db() as db:
            found = db.scalars(select(table).where(_in(table, states)).order_by(table.id.desc())).all()
        yield from found[which % len(found) :][:1] if found else ()

    def balances(self, db: Database) -> dict[str, int]:
        sums = select(LedgerAccount.kind, func.sum(LedgerAccount.balance_fen)).group_by(LedgerAccount.kind)
        kinds = ("channel", "bank", "fees", "refunds", "unassigned", "pool")
        return dict.fromkeys(kinds, 0) | {kind: int(fen) for kind, fen in db.execute(sums)}

    def _sum(self, db: Database, what: Any, where: Any) -> int:
        return int(db.scalar(select(func.coalesce(func.sum(what), 0)).where(where)) or 0)

    def serial(self) -> str:
        self.serials += 1
        return f"S{self.serials}"


def where(table: Any, *states: str) -> Any:
    """A rule for when there is such a one; of any state where none is named."""
    return precondition(lambda walk: bool(walk.there.get(table, set()) & set(states or walk.there.get(table, ()))))


def _in(table: Any, states: tuple[str, ...]) -> Any:
    if table is SuspenseItem:
        return SuspenseItem.closed_at.is_(None)
    return table.state.in_(states) if states else true()
