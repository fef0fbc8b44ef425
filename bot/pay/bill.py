"""Parse a trade bill line by line: convert yuan to fen, find columns by name, and check the totals. Pure functions.

A bill is a header, rows, the header of the totals and the totals; each cell but the headers' begins with a backtick.
Its SHA-1 proves it as a whole (bot.pay.bill_file); here every cell must be valid, and no line is skipped.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from bot.pay.answers import CURRENCY, REFUND_NO, TRADE_NO
from bot.pay.moments import read_local
from bot.words.lexicon import CONFIG

_TICK, _COMMA, _BOM = "`", ",", "\ufeff"
# Amounts have two decimals, fees five, of which the last three are zeros.
_YUAN = re.compile(r"(-?)([0-9]{1,12})\.([0-9]{2})0{0,3}")
_COUNT = re.compile(r"[0-9]{1,12}")
_ID = re.compile(r"[0-9A-Za-z_\-]{1,64}")
# The platform's old and new pages list different states, so the comparison decides which are known.
_REFUND_STATE = re.compile(r"[A-Z_]{1,20}")
_NONE = "0"


class RowState(StrEnum):
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class BillRow:
    """A payment, or a refund on the day it was submitted. ``fee_fen`` is negative where a fee was returned.

    ``refund_fen``: what the payer gets of the ``refund_asked_fen`` that were requested; the rest was a coupon's.
    """

    line: int
    at: datetime
    state: RowState
    transaction_id: str
    out_trade_no: str
    fen: int
    settlement_fen: int
    fee_fen: int
    refund_id: str | None
    out_refund_no: str | None
    refund_fen: int
    refund_asked_fen: int
    refund_state: str | None


class BadBill(Exception):
    """The bill is invalid. ``line`` counts from 1.

    ``why``: text, header, cells, time, state, number, amount, currency, payee, refund, totals_header,
    totals (a sum is another), end (cut off, or more behind it).
    """

    def __init__(self, line: int, why: str, column: str = "") -> None:
        super().__init__(line, why, column)
        self.line, self.why, self.column = line, why, column

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" + (f" ({self.column})" if self.column else "")


@dataclass(frozen=True, slots=True)
class BillNames:
    """Our keys -> the bill's names of columns and totals."""

    columns: Mapping[str, str]
    totals: Mapping[str, str]


@cache
def load_names() -> BillNames:
    read = tomllib.loads((CONFIG / "pay_bill.toml").read_text(encoding="utf-8"))
    return BillNames(read["columns"], read["totals"])


def read_bill(
    lines: Iterable[bytes], mch_id: str, names: BillNames | None = None, sub_mch_id: str = ""
) -> Iterator[BillRow]:
    """Yield the rows, in constant memory. Raises BadBill, perhaps only after the last row, since the totals come last.

    So a caller may commit the rows only once the iterator is exhausted. ``sub_mch_id``: whose bill a partner fetched.
    """
    names = names or load_names()
    numbered = _numbered(lines)
    line, header = next(numbered, (1, ""))
    places = _places(line, header.removeprefix(_BOM), names.columns, "header")
    width, sums = header.count(_COMMA) + 1, Counter[str]()
    for line, text in numbered:
        if not text.startswith(_TICK):
            break
        cells = _cells(line, text, width)
        row = _Cells(line, {key: cells[place] for key, place in places.items()})
        for key in names.totals.keys() - {"rows"}:
            sums[key] += row.fen(key)
        sums["rows"] += 1
        yield row.read(mch_id, sub_mch_id)
    else:
        raise BadBill(line, "end")
    _prove(line, text, numbered, names.totals, sums)


def yuan_to_fen(written: str) -> int:
    """Convert yuan to fen: ``-0.60000`` is -60. Raises ValueError for other texts and for fractions of a fen."""
    found = _YUAN.fullmatch(written)
    if not found:
        raise ValueError("no yuan")
    sign, yuan, fen = found.groups()
    return int(f"{sign}{yuan}{fen}")


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for line, raw in enumerate(lines, 1):
        try:
            yield line, raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise BadBill(line, "text") from None


def _places(line: int, header: str, names: Mapping[str, str], why: str) -> dict[str, int]:
    """Map each key to its cell's index. Raises BadBill for a missing or repeated name."""
    found = Counter(cells := header.split(_COMMA))
    for name in names.values():
        if found[name] != 1:
            raise BadBill(line, why, name)
    return {key: cells.index(name) for key, name in names.items()}


def _cells(line: int, text: str, width: int) -> list[str]:
    cells = text.removeprefix(_TICK).split(_COMMA + _TICK)
    if not text.startswith(_TICK) or len(cells) != width:
        raise BadBill(line, "cells")
    return cells


def _prove(
    line: int, header: str, numbered: Iterator[tuple[int, str]], names: Mapping[str, str], sums: Mapping[str, int]
) -> None:
    places = _places(line, header, names, "totals_header")
    line, text = next(numbered, (line, ""))
    cells = _cells(line, text, header.count(_COMMA) + 1)
    row = _Cells(line, {key: cells[place] for key, place in places.items()})
    for key, name in names.items():
        if sums[key] != (row.count(key) if key == "rows" else row.fen(key)):
            raise BadBill(line, "totals", name)
    for line, text in numbered:
        if text:
            raise BadBill(line, "end")


class _Cells:
    """The cells of one row by key; an invalid one raises BadBill with its key."""

    def __init__(self, line: int, cells: Mapping[str, str]) -> None:
        self._line, self._cells = line, cells

    def fen(self, key: str) -> int:
        """Read a cell's fen; only a returned fee may be negative."""
        try:
            fen = yuan_to_fen(self._cells[key])
        except ValueError:
            raise BadBill(self._line, "amount", key) from None
        if fen < 0 and key != "fee":
            raise BadBill(self._line, "amount", key)
        return fen

    def count(self, key: str) -> int:
        return int(self._matched(key, _COUNT, "amount"))

    def read(self, mch_id: str, sub_mch_id: str) -> BillRow:
        if self._cells["mchid"] != mch_id or (sub_mch_id and self._cells["sub_mchid"] != sub_mch_id):
            raise BadBill(self._line, "payee")
        if self._cells["currency"] != CURRENCY:
            raise BadBill(self._line, "currency")
        state = self._state()
        back = state is not RowState.SUCCESS
        row = BillRow(
            line=self._line,
            at=self._at(),
            state=state,
            transaction_id=self._matched("transaction_id", _ID),
            out_trade_no=self._matched("out_trade_no", TRADE_NO),
            fen=self.fen("total"),
            settlement_fen=self.fen("settlement"),
            fee_fen=self.fen("fee"),
            refund_id=self._matched("refund_id", _ID) if back else None,
            out_refund_no=self._matched("out_refund_no", REFUND_NO) if back else None,
            refund_fen=self.fen("refund"),
            refund_asked_fen=self.fen("refund_asked"),
            refund_state=self._matched("refund_state", _REFUND_STATE, "state") if back else None,
        )
        if not back and (row.refund_fen or row.refund_asked_fen or self._cells["out_refund_no"] not in {"", _NONE}):
            raise BadBill(self._line, "refund")
        return row

    def _matched(self, key: str, form: re.Pattern[str], why: str = "number") -> str:
        if not form.fullmatch(self._cells[key]):
            raise BadBill(self._line, why, key)
        return self._cells[key]

    def _at(self) -> datetime:
        try:
            return read_local(self._cells["time"])
        except ValueError:
            raise BadBill(self._line, "time") from None

    def _state(self) -> RowState:
        try:
            return RowState(self._cells["state"])
        except ValueError:
            raise BadBill(self._line, "state") from None
