"""The simulator of WeChat Pay and the stage at once, with one clock for both; and bills as it writes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.pay.client import PayClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.payments.orders import PaymentIntake
from bot.payments.refunds import ask_refund
from bot.simulator.app import create_simulator
from bot.simulator.pay.bills import LAYOUTS
from bot.simulator.pay.phone import OK
from bot.simulator.serving import serving
from bot.treasury.gift_bills import gift_reconciler
from bot.treasury.reconciliation import Reconciler
from bot.work.job import Named
from config.pay import PlatformKey
from models.core.calendar import CHINA
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.treasury.bill import Bill, BillDay
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID, NOON, NOTIFY, OPTIONS, PIN, Merchant, trading
from tests.harness.stage import Stage
from tests.scenes.money.gifts import ordered, promise
from tests.scenes.money.refunds import want_back

TODAY = date(2026, 11, 25)
TOMORROW_MORNING = timedelta(hours=22, minutes=5)
AT = datetime.fromtimestamp(NOON, UTC)


@dataclass
class Handed:
    """What would go to the workers."""

    jobs: list[Named] = field(default_factory=list)

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None:
        self.jobs += jobs


@dataclass
class Counter:
    """The bot's side of the channel: orders and refunds through the real client, and what it hears of them."""

    stage: Stage
    merchant: Merchant
    pay: PayClient
    handed: Handed = field(default_factory=Handed)

    @property
    def reconciler(self) -> Reconciler:
        return gift_reconciler(self.stage.database, self.handed, self.pay, self.stage.clock)

    def move(self, by: timedelta) -> None:
        """Its clock and ours."""
        self.merchant.simulator.timeline.move(by.total_seconds())
        self.stage.clock.move(by)

    def sell(self, appeal: int, fen: int, *, paid: bool = True) -> PayOrder:
        """A gift that was paid in the pay sheet, and nobody has told us yet."""
        order = ordered(self.stage, promise(self.stage, appeal, fen), self.pay.merchant)
        prepay_id = self.pay.order(order.out_trade_no, order.amount_fen, "oAunt", "苗寨修路")
        if paid:
            assert self.merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg == OK
        return order

    def hear(self, order: PayOrder) -> None:
        PaymentIntake(self.stage.database, self.handed).apply(self.pay.query(order.out_trade_no), self.stage.clock())

    def give(self, appeal: int, fen: int) -> PayOrder:
        order = self.sell(appeal, fen)
        self.hear(order)
        return order

    def give_back(self, order: PayOrder) -> Refund:
        """Asked for, and not heard of since."""
        refund = want_back(self.stage, order.pledge_id)
        ask_refund(self.stage.database, self.pay, refund.id, self.stage.clock)
        return refund

    def hear_back(self, refund: Refund) -> None:
        ask_refund(self.stage.database, self.pay, refund.id, self.stage.clock)


@contextmanager
def counter(stage: Stage, mchid: str = MCHID) -> Iterator[Counter]:
    stage.clock.now = AT
    with (
        trading(mchid=mchid) as merchant,
        serving(create_simulator(merchant.simulator.options, merchant.simulator)) as url,
    ):
        own = merchant.own
        keys = PlatformKeys(PlatformKey(serial, key) for serial, key in own.platform.items())
        signer = Signer(own.mchid, own.serial, own.private)
        with PayClient(
            api_url=url, app_id=OPTIONS.app_id, notify_url=NOTIFY, signer=signer, keys=keys, clock=lambda: AT
        ) as pay:
            yield Counter(stage, merchant, pay)


def day_row(stage: Stage, day: date = TODAY, merchant: str = MCHID) -> BillDay:
    with Database(stage.database) as db:
        return db.get_one(BillDay, Bill(merchant, day))


def discrepancies(stage: Stage) -> list[Discrepancy]:
    with Database(stage.database) as db:
        return list(db.scalars(select(Discrepancy).order_by(Discrepancy.id)))


def told(stage: Stage) -> list[tuple[str, str, str]]:
    """(kind, order's number, state) of each, in the order in which they were found."""
    return [(one.kind, one.out_trade_no, one.state) for one in discrepancies(stage)]


@dataclass(frozen=True)
class Row:
    """What a line of the bill says; everything else of it is as the simulator writes it."""

    at: datetime
    transaction_id: str
    out_trade_no: str
    fen: int
    out_refund_no: str = ""
    refund_state: str = "SUCCESS"
    description: str = "苗寨修路"


def bill_of(rows: Sequence[Row], words: Any) -> bytes:
    """As WeChat Pay writes it (bill_type ALL), each cell after a backtick, sums in the last line."""
    columns, totals = LAYOUTS["ALL"]
    cells = [_cells(row) for row in rows]
    lines = [",".join(words.bill_column(name) for name in columns)]
    lines += [",".join(f"`{line[name]}" for name in columns) for line in cells]
    lines.append(",".join(words.bill_total(name) for name in totals))
    sums = {name: sum((Decimal(line[name]) for line in cells), Decimal(0)) for name in totals if name != "rows"}
    sums_written = {name: f"{total:.5f}" if name == "fee" else f"{total:.2f}" for name, total in sums.items()}
    lines.append(",".join(f"`{len(rows) if name == 'rows' else sums_written[name]}" for name in totals))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _cells(row: Row) -> dict[str, str]:
    back = bool(row.out_refund_no)
    sign = "-" if back else ""
    return {
        "time": f"{row.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "appid": OPTIONS.app_id,
        "mchid": MCHID,
        "sub_mchid": "0",
        "device": "",
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "openid": "oAunt",
        "trade_type": "JSAPI",
        "trade_state": "REFUND" if back else "SUCCESS",
        "bank": "OTHERS",
        "currency": "CNY",
        "settlement": "0.00" if back else _yuan(row.fen),
        "coupon": "0.00",
        "refund_id": f"5{row.out_refund_no}".replace("@", "_") if back else "0",
        "out_refund_no": row.out_refund_no or "0",
        "refund": _yuan(row.fen) if back else "0.00",
        "coupon_refund": "0.00",
        "refund_type": "ORIGINAL" if back else "",
        "refund_state": row.refund_state if back else "",
        "description": row.description,
        "attach": "",
        "fee": f"{sign}{Decimal(row.fen * 6 // 1000) / 100:.5f}",
        "rate": "0.60%",
        "total": "0.00" if back else _yuan(row.fen),
        "refund_asked": _yuan(row.fen) if back else "0.00",
        "rate_note": "",
    }


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"
