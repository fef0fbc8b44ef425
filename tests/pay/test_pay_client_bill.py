"""Trade bills: fetched from the simulator, unpacked, proved, and read to the fen; and damage of every kind is found."""

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.pay.bill import BadBill, BillRow, RowState, load_names, read_bill, yuan_to_fen
from bot.pay.bill_file import BillFile, Damaged
from bot.pay.client import PayClient
from bot.pay.errors import Action, BadAnswer, Refused, Unreachable
from bot.simulator.faults import Kind
from tests.harness.money.merchant import DAY, MCHID, Merchant
from tests.pay.pay_client import AT, fault, paid
from tests.pay.pay_client import make as make
from tests.pay.pay_client import merchant as merchant
from tests.pay.pay_client import pay as pay
from tests.pay.pay_client import url as url

TODAY = date(2026, 11, 25)
NAMES = load_names()


# --- From the platform


def fetched(pay: PayClient, day: date = TODAY, compressed: bool = True) -> bytes:
    to = io.BytesIO()
    assert pay.bill(day, to, compressed=compressed)
    return to.getvalue()


def rows(data: bytes) -> list[BillRow]:
    return list(read_bill(io.BytesIO(data), MCHID))


def test_a_day_is_read_row_by_row(merchant: Merchant, pay: PayClient) -> None:
    paid(merchant, pay, "GIFT000001", 10_050)
    pay.order("GIFT000002", 1, "oAunt", "never paid, so in no bill")
    pay.refund("GIFT000001", "R1", 50, 10_050)
    merchant.simulator.timeline.move(2 * DAY)
    order = merchant.simulator.pay.orders.by_number("GIFT000001")
    data = fetched(pay)
    assert fetched(pay, compressed=False) == data
    first, second = rows(data)
    assert first == BillRow(
        line=2,
        at=AT,
        state=RowState.SUCCESS,
        transaction_id=order.transaction_id,
        out_trade_no="GIFT000001",
        fen=10_050,
        settlement_fen=10_050,
        fee_fen=60,
        refund_id=None,
        out_refund_no=None,
        refund_fen=0,
        refund_asked_fen=0,
        refund_state=None,
    )
    assert (second.state, second.out_refund_no, second.refund_fen, second.refund_state) == (
        "REFUND",
        "R1",
        50,
        "SUCCESS",
    )
    assert second.refund_id == merchant.simulator.pay.refunds.by_number("R1").refund_id


def test_a_day_on_which_nothing_moved_has_no_bill_and_one_too_young_is_for_later(
    merchant: Merchant, pay: PayClient
) -> None:
    paid(merchant, pay)
    merchant.simulator.timeline.move(13 * 3600)
    with pytest.raises(Refused) as early:
        pay.bill(TODAY, io.BytesIO())
    assert (early.value.code, early.value.action) == ("STATEMENT_CREATING", Action.LATER)
    merchant.simulator.timeline.move(DAY)
    to = io.BytesIO()
    assert not pay.bill(TODAY - timedelta(days=1), to)
    assert to.getvalue() == b""


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.DOWN])
def test_a_download_that_breaks_off_is_told(merchant: Merchant, pay: PayClient, kind: Kind) -> None:
    paid(merchant, pay)
    merchant.simulator.timeline.move(2 * DAY)
    fault(merchant, kind, where="/v3/billdownload", times=1)
    with pytest.raises(Unreachable):
        pay.bill(TODAY, io.BytesIO())
    assert len(rows(fetched(pay))) == 1


def test_an_address_that_is_too_old_is_a_refusal(merchant: Merchant, pay: PayClient) -> None:
    paid(merchant, pay)
    merchant.simulator.timeline.move(2 * DAY)
    fault(merchant, Kind.REFUSE, where="/v3/billdownload", times=1, code=400)
    with pytest.raises(Refused) as refused:
        pay.bill(TODAY, io.BytesIO())
    assert refused.value.code == "INVALID_REQUEST"


def test_a_bill_that_is_not_what_its_hash_says_is_refused(merchant: Merchant, pay: PayClient) -> None:
    paid(merchant, pay)
    merchant.simulator.timeline.move(2 * DAY)
    fetch = merchant.simulator.pay.bills.fetch
    merchant.simulator.pay.bills.fetch = lambda token: gzip.compress(  # type: ignore[method-assign]
        gzip.decompress(fetch(token)).replace(b"100.00", b"100.01")
    )
    with pytest.raises(BadAnswer, match="SHA-1"):
        pay.bill(TODAY, io.BytesIO())


# --- The file


def unpacked(data: bytes, sha1: str, step: int, largest: int = 10**6) -> bytes:
    to = io.BytesIO()
    file = BillFile(to, largest)
    for start in range(0, len(data), step):
        file.take(data[start : start + step])
    file.end(sha1)
    return to.getvalue()


def sha1_of(plain: bytes) -> str:
    return hashlib.sha1(plain, usedforsecurity=False).hexdigest()


@given(plain=st.binary(min_size=2, max_size=400), step=st.integers(1, 50), parts=st.integers(0, 2))
def test_a_file_comes_whole_in_whatever_pieces_and_however_packed(plain: bytes, step: int, parts: int) -> None:
    assume(not plain.startswith(b"\x1f\x8b"))
    cut = len(plain) // 2
    packed = [plain, gzip.compress(plain), gzip.compress(plain[:cut]) + gzip.compress(plain[cut:])][parts]
    assert unpacked(packed, sha1_of(plain).upper(), step) == plain


@given(plain=st.binary(min_size=2, max_size=400), at=st.integers(0, 10**6), bit=st.integers(0, 7), packs=st.booleans())
def test_a_flipped_bit_anywhere_is_found(plain: bytes, at: int, bit: int, packs: bool) -> None:
    packed = bytearray(gzip.compress(plain) if packs else plain)
    packed[at % len(packed)] ^= 1 << bit
    try:
        read = unpacked(bytes(packed), sha1_of(plain), 64)
    except Damaged:
        return
    assert read == plain  # gzip's head holds a time and a name that say nothing


@given(plain=st.binary(min_size=2, max_size=400), left=st.integers(0, 10**6))
def test_a_file_that_is_cut_off_is_found(plain: bytes, left: int) -> None:
    packed = gzip.compress(plain)
    with pytest.raises(Damaged):
        unpacked(packed[: left % len(packed)], sha1_of(plain), 64)


def test_a_file_that_unpacks_without_end_is_left() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(Damaged, match="too large"):
        unpacked(bomb, "", 1000, largest=2_000_000)


# --- Yuan and fen


@given(fen=st.integers(1 - 10**14, 10**14 - 1), decimals=st.sampled_from([2, 3, 4, 5]))
def test_yuan_are_fen_again(fen: int, decimals: int) -> None:
    assert yuan_to_fen(f"{Decimal(fen) / 100:.{decimals}f}") == fen


@given(st.text(max_size=20))
def test_what_is_no_yuan_is_no_fen(written: str) -> None:
    try:
        fen = yuan_to_fen(written)
    except ValueError:
        return
    assert Decimal(written) * 100 == fen


@pytest.mark.parametrize(
    "written",
    ["", "1", "1.0", "1.001", "0.00600", ".50", "1,000.00", "+1.00", "1.00 ", "１.00", "1e2", "--1.00", "1.00000000"],
)
def test_these_are_no_yuan(written: str) -> None:
    with pytest.raises(ValueError, match="no yuan"):
        yuan_to_fen(written)


# --- Damage


@dataclass(frozen=True)
class Line:
    """A row as this test's own pen writes it; amounts in fen."""

    number: int
    fen: int
    back: int = 0

    @property
    def cells(self) -> dict[str, str]:
        paying = {"state": "SUCCESS", "refund_id": "0", "out_refund_no": "0", "refund_state": ""}
        refund = {"state": "REFUND", "refund_id": "5030", "out_refund_no": f"R{self.number}", "refund_state": "SUCCESS"}
        total, fee = (0, -1) if self.back else (self.fen, self.fen * 6 // 1000)
        return (refund if self.back else paying) | {
            "time": f"2026-11-25 12:00:{self.number % 60:02}",
            "mchid": MCHID,
            "sub_mchid": "0",
            "transaction_id": f"4200{self.number:024}",
            "out_trade_no": f"GIFT{self.number:06}",
            "currency": "CNY",
            "settlement": _yuan(total),
            "total": _yuan(total),
            "refund": _yuan(self.back),
            "refund_asked": _yuan(self.back),
            "coupon_refund": _yuan(0),
            "fee": f"{_yuan(fee)}000",
        }


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


def bill(lines: list[Line]) -> list[str]:
    columns = [*NAMES.columns]
    cells = [line.cells for line in lines]
    written = ["\ufeff" + ",".join(["公众账号ID", *(NAMES.columns[key] for key in columns), "商品名称"])]
    written += [
        ",".join(f"`{cell}" for cell in ["wx1", *(row[key] for key in columns), "修路, 第二段"]) for row in cells
    ]
    written.append(",".join(NAMES.totals.values()))
    sums = [sum(yuan_to_fen(row[key]) for row in cells) for key in NAMES.totals if key != "rows"]
    written.append(",".join([f"`{len(lines)}", *(f"`{_yuan(each)}" for each in sums)]))
    return written


def data(written: list[str], end: str = "\r\n") -> bytes:
    return "".join(line + end for line in written).encode()


LINES = st.lists(
    st.builds(Line, st.integers(0, 999_999), st.integers(1, 10**9))
    | st.builds(Line, st.integers(0, 999_999), st.integers(1, 10**9), st.integers(1, 10**9)),
    min_size=1,
    max_size=6,
)
AMOUNTS = ["settlement", "total", "refund", "refund_asked", "coupon_refund", "fee"]


@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]))
def test_every_bill_is_read_as_it_was_written(lines: list[Line], end: str) -> None:
    read = rows(data(bill(lines), end))
    assert [(row.line, row.fen, row.refund_fen, row.out_trade_no) for row in read] == [
        (at, 0 if line.back else line.fen, line.back, f"GIFT{line.number:06}") for at, line in enumerate(lines, 2)
    ]
    assert all(row.at == datetime(2026, 11, 25, 4, 0, row.at.second, tzinfo=UTC) for row in read)


@given(lines=LINES, which=st.integers(0, 99), column=st.sampled_from(AMOUNTS), by=st.integers(-(10**6), 10**6))
def test_an_amount_that_was_changed_is_found(lines: list[Line], which: int, column: str, by: int) -> None:
    assume(by != 0)
    written, at = bill(lines), 1 + which % len(lines)
    place = 1 + [*NAMES.columns].index(column)
    cells = written[at][1:].split(",`")
    cells[place] = _yuan(yuan_to_fen(cells[place]) + by)
    written[at] = "`" + ",`".join(cells)
    with pytest.raises(BadBill):
        rows(data(written))


@given(lines=LINES, which=st.integers(0, 99), at=st.integers(0, 999), sign=st.characters(codec="utf-8"))
def test_another_sign_in_an_amount_is_found_or_means_the_same(
    lines: list[Line], which: int, at: int, sign: str
) -> None:
    written, row = bill(lines), 1 + which % len(lines)
    cells = written[row][1:].split(",`")
    place = 1 + [*NAMES.columns].index(AMOUNTS[at % len(AMOUNTS)])
    spot = at % len(cells[place])
    cells[place] = cells[place][:spot] + sign + cells[place][spot + 1 :]
    written[row] = "`" + ",`".join(cells)
    try:
        read = rows(data(written))
    except BadBill:
        return
    assert read == rows(data(bill(lines)))


@given(lines=LINES, which=st.integers(0, 99), twice=st.booleans())
def test_a_row_that_is_gone_or_there_twice_is_found(lines: list[Line], which: int, twice: bool) -> None:
    written, at = bill(lines), 1 + which % len(lines)
    if twice:
        written.insert(at, written[at])
    else:
        del written[at]
    with pytest.raises(BadBill) as bad:
        rows(data(written))
    assert (bad.value.why, bad.value.line) == ("totals", len(written))


@given(lines=LINES, left=st.integers(0, 10**6))
def test_a_bill_that_is_cut_off_is_found(lines: list[Line], left: int) -> None:
    whole = data(bill(lines), "\n")
    kept = whole[: left % (len(whole) - 1)]
    try:
        read = rows(kept)
    except BadBill:
        return
    # The last amount's last zeros say nothing.
    assert whole.startswith(kept)
    assert read == rows(whole)


CASES: list[tuple[Callable[[list[str]], Any], int, str]] = [
    (lambda w: w.__setitem__(0, w[0].replace("订单金额,", "别的,", 1)), 1, "header"),
    (lambda w: w.__setitem__(0, w[0] + ",订单金额"), 1, "header"),
    (lambda w: w.__setitem__(1, w[1] + ",`more"), 2, "cells"),
    (lambda w: w.__setitem__(1, w[1].rpartition(",`")[0]), 2, "cells"),
    (lambda w: w.__setitem__(2, w[2].removeprefix("`")), 3, "totals_header"),
    (lambda w: w.__setitem__(1, w[1].replace(MCHID, "1900000000")), 2, "payee"),
    (lambda w: w.__setitem__(1, w[1].replace("CNY", "USD")), 2, "currency"),
    (lambda w: w.__setitem__(1, w[1].replace("12:00", "25:00")), 2, "time"),
    (lambda w: w.__setitem__(1, w[1].replace("2026-11-25", "20261125")), 2, "time"),
    (lambda w: w.__setitem__(1, w[1].replace("SUCCESS", "SUCCES")), 2, "state"),
    (lambda w: w.__setitem__(1, w[1].replace("GIFT", "礼")), 2, "number"),
    (lambda w: w.__setitem__(1, w[1].replace("`100.00", "`100.001", 1)), 2, "amount"),
    (lambda w: w.__setitem__(1, w[1].replace("`100.00", "`-100.00", 1)), 2, "amount"),
    (lambda w: w.__setitem__(1, w[1].replace("`0,", "`R9,")), 2, "refund"),
    (lambda w: w.__setitem__(3, w[3].replace("总交易单数", "总数")), 4, "totals_header"),
    (lambda w: w.__setitem__(4, w[4].replace("`2", "`3", 1)), 5, "totals"),
    (lambda w: w.__setitem__(4, w[4].replace("`2", "`two", 1)), 5, "amount"),
    (lambda w: w.__setitem__(4, w[4] + ",`1.00"), 5, "cells"),
    (lambda w: w.append("`and more"), 6, "end"),
    (lambda w: w.pop(), 4, "cells"),
    (lambda w: w.__delitem__(slice(3, None)), 3, "end"),
    (lambda w: w.clear(), 1, "header"),
]


@pytest.mark.parametrize(("damage", "line", "why"), CASES)
def test_what_is_wrong_is_told_with_its_line(damage: Callable[[list[str]], Any], line: int, why: str) -> None:
    written = bill([Line(1, 10_000), Line(2, 10_000, 5)])
    damage(written)
    with pytest.raises(BadBill) as bad:
        rows(data(written))
    assert (bad.value.line, bad.value.why) == (line, why)
    assert f"line {line}" in str(bad.value)


def test_what_is_no_text_is_told() -> None:
    with pytest.raises(BadBill, match="line 2: text"):
        rows(data(bill([Line(1, 1)])).replace("修".encode(), b"\xff"))


def test_rows_are_read_one_at_a_time() -> None:
    """A bill of any length takes the memory of a row: the next line is asked for when the next row is."""
    asked = 0

    def lines() -> Iterator[bytes]:
        nonlocal asked
        for line in data(bill([Line(n, 1) for n in range(100)])).splitlines(keepends=True):
            asked += 1
            yield line

    reading = read_bill(lines(), MCHID)
    assert [next(reading).line for _ in range(3)] == [2, 3, 4]
    assert asked == 4
