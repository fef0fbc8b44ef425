"""Trade bills: when they can be had, what is in them, and that they add up to the orders."""

import gzip
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.pay.moments import in_china
from tests.harness.money.merchant import DAY, OPTIONS, Merchant, code, trading

HOUR = 3600.0
TODAY = "2026-11-25"


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as merchant:
        yield merchant


def apply(merchant: Merchant, day: str = TODAY, **query: str) -> Any:
    written = "&".join(f"{name}={value}" for name, value in {"bill_date": day, **query}.items())
    return merchant.call("GET", f"/v3/bill/tradebill?{written}")


def download(merchant: Merchant, url: str) -> Any:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == OPTIONS.public_url
    return merchant.call("GET", f"{parts.path}?{parts.query}")


def bill(merchant: Merchant, day: str = TODAY, **query: str) -> str:
    applied = apply(merchant, day, **query).json
    fetched = download(merchant, applied["download_url"])
    assert "Wechatpay-Signature" not in fetched.headers  # download-bill: this answer is not signed
    data = gzip.decompress(fetched.data) if query.get("tar_type") else fetched.data
    assert (applied["hash_type"], applied["hash_value"]) == (
        "SHA1",
        hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    )
    return str(data.decode())


def read(written: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """(rows, totals) by their Chinese names; every cell began with a backtick."""
    header, *rows, totals_header, totals, end = written.split("\r\n")
    assert end == ""
    assert all(row.startswith("`") for row in [*rows, totals])
    read = [dict(zip(header.split(","), row[1:].split(",`"), strict=True)) for row in rows]
    return read, dict(zip(totals_header.split(","), totals[1:].split(",`"), strict=True))


def test_a_bill_is_ready_after_ten_on_the_next_day_and_kept_for_three_months(merchant: Merchant) -> None:
    merchant.paid()
    assert code(apply(merchant)) == (400, "INVALID_REQUEST")
    merchant.simulator.timeline.move(22 * HOUR - 1)
    assert code(apply(merchant)) == (400, "STATEMENT_CREATING")
    merchant.simulator.timeline.move(1)
    assert apply(merchant).status_code == 200
    assert code(apply(merchant, "2026-11-24")) == (400, "NO_STATEMENT_EXIST")
    merchant.simulator.timeline.move(89 * DAY)
    assert apply(merchant).status_code == 200
    merchant.simulator.timeline.move(DAY)
    assert code(apply(merchant)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "wrong", [{"day": "20261125"}, {"day": ""}, {"bill_type": "NONE"}, {"tar_type": "ZIP"}, {"day": "2026-02-30"}]
)
def test_what_is_asked_for_must_be_right(merchant: Merchant, wrong: dict[str, str]) -> None:
    merchant.simulator.timeline.move(DAY)
    assert code(apply(merchant, **wrong)) == (400, "PARAM_ERROR")


def test_the_address_of_a_bill_is_good_for_five_minutes(merchant: Merchant) -> None:
    merchant.paid()
    merchant.simulator.timeline.move(DAY)
    url = apply(merchant).json["download_url"]
    merchant.simulator.timeline.move(299)
    assert download(merchant, url).status_code == 200
    merchant.simulator.timeline.move(1)
    assert code(download(merchant, url)) == (400, "INVALID_REQUEST")
    assert code(merchant.call("GET", "/v3/billdownload/file?token=guess")) == (400, "INVALID_REQUEST")
    assert merchant.client.get(url).status_code == 401


def test_a_bill_says_what_was_paid_and_paid_back(merchant: Merchant) -> None:
    order = merchant.paid(10_050, description="苗寨修路, 第二段\n急", attach="")
    merchant.ordered()  # never paid: in no bill
    merchant.refund(order, "R1", 50)
    merchant.simulator.timeline.move(DAY)
    merchant.paid(1)  # tomorrow's
    rows, totals = read(bill(merchant))
    assert rows == [
        {
            "交易时间": "2026-11-25 12:00:00",
            "公众账号ID": OPTIONS.app_id,
            "商户号": "1900000109",
            "特约商户号": "0",
            "设备号": "",
            "微信订单号": order.transaction_id,
            "商户订单号": order.out_trade_no,
            "用户标识": "oAunt",
            "交易类型": "JSAPI",
            "交易状态": "SUCCESS",
            "付款银行": "OTHERS",
            "货币种类": "CNY",
            "应结订单金额": "100.50",
            "代金券金额": "0.00",
            "微信退款单号": "0",
            "商户退款单号": "0",
            "退款金额": "0.00",
            "充值券退款金额": "0.00",
            "退款类型": "",
            "退款状态": "",
            "商品名称": "苗寨修路, 第二段 急",
            "商户数据包": "",
            "手续费": "0.60000",
            "费率": "0.60%",
            "订单金额": "100.50",
            "申请退款金额": "0.00",
            "费率备注": "",
        },
        rows[0]
        | {
            "交易状态": "REFUND",
            "应结订单金额": "0.00",
            "微信退款单号": rows[1]["微信退款单号"],
            "商户退款单号": "R1",
            "退款金额": "0.50",
            "退款类型": "ORIGINAL",
            "退款状态": "SUCCESS",
            "手续费": "0.00000",
            "订单金额": "0.00",
            "申请退款金额": "0.50",
        },
    ]
    assert totals == {
        "总交易单数": "2",
        "应结订单总金额": "100.50",
        "退款总金额": "0.50",
        "充值券退款总金额": "0.00",
        "手续费总金额": "0.60000",
        "订单总金额": "100.50",
        "申请退款总金额": "0.50",
    }


def test_each_kind_of_bill_has_its_own_rows(merchant: Merchant) -> None:
    order = merchant.paid()
    merchant.refund(order, "R1", 50)
    merchant.simulator.timeline.move(DAY)
    paid, paid_totals = read(bill(merchant, bill_type="SUCCESS"))
    back, back_totals = read(bill(merchant, bill_type="REFUND"))
    assert ([row["交易状态"] for row in paid], list(paid_totals.values())) == (
        ["SUCCESS"],
        ["1", "100.00", "0.60000", "100.00"],
    )
    assert [(row["退款申请时间"], row["退款成功时间"]) for row in back] == [
        ("2026-11-25 12:00:00", "2026-11-25 12:01:00")
    ]
    assert back_totals["退款总金额"] == "0.50"


def test_a_compressed_bill_is_the_same_bill_and_does_not_change(merchant: Merchant) -> None:
    order = merchant.paid()
    merchant.simulator.pay.refunds.seconds = 3 * DAY
    merchant.refund(order, "R1", 1)
    merchant.simulator.timeline.move(DAY)
    first = bill(merchant)
    merchant.simulator.timeline.move(3 * DAY)
    assert bill(merchant, tar_type="GZIP") == first
    assert read(first)[0][1]["退款状态"] == "PROCESSING"


@pytest.fixture(scope="module")
def bank() -> Iterator[Merchant]:
    with trading() as merchant:
        merchant.simulator.pay.notices.lag = 1e9
        for name in merchant.simulator.pay.rates.limits:
            merchant.simulator.pay.rates.limits[name] = 1_000_000
        yield merchant


@given(
    payments=st.lists(st.integers(1, 5_000_000), min_size=1, max_size=8),
    shares=st.lists(st.integers(1, 100), max_size=8),
)
def test_a_bill_adds_up_to_the_orders(bank: Merchant, payments: list[int], shares: list[int]) -> None:
    day = f"{in_china(bank.simulator.timeline()):%Y-%m-%d}"
    orders = [bank.paid(total) for total in payments]
    back = [max(1, order.total * share // 100) for order, share in zip(orders, shares, strict=False)]
    for order, amount in zip(orders, back, strict=False):
        assert bank.refund(order, f"R{order.out_trade_no}", amount).status_code == 200
    bank.simulator.timeline.move(DAY)
    rows, totals = read(bill(bank, day))
    assert len(rows) == int(totals["总交易单数"]) == len(payments) + len(back)
    assert [row["商户订单号"] for row in rows if row["交易状态"] == "SUCCESS"] == [o.out_trade_no for o in orders]
    assert Decimal(totals["订单总金额"]) * 100 == sum(payments)
    assert Decimal(totals["申请退款总金额"]) * 100 == sum(back)
    for total, column in {"应结订单总金额": "应结订单金额", "退款总金额": "退款金额", "手续费总金额": "手续费"}.items():
        assert Decimal(totals[total]) == sum(Decimal(row[column]) for row in rows)
