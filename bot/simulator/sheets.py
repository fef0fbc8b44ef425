"""The pay sheets that are open on people's phones, one at a time for each, and the page's endpoints for them."""

import threading
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from bot.simulator import forms
from bot.simulator.pay.phone import Refused, Sheet
from bot.simulator.simulator import Simulator


class Sheets:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._lock = threading.Lock()
        self._open: dict[str, tuple[int, Sheet]] = {}
        self._last = 0

    def show(self, openid: str, sheet: Sheet) -> int:
        """Its number: the same order may be shown again."""
        with self._lock:
            self._last += 1
            self._open[openid] = self._last, sheet
            return self._last

    def leave(self, openid: str, number: int) -> None:
        """The person has done with it: has paid, or has not."""
        with self._lock:
            shown, sheet = self._open.get(openid, (0, None))
            if sheet is None or shown != number:
                return
            del self._open[openid]
        if self._simulator.pay.phone.state(sheet.prepay_id) == "NOTPAY":
            self._simulator.pay.cancel(openid, sheet.prepay_id)

    def shown(self) -> dict[str, dict[str, Any]]:
        """By openid. ``state``: NOTPAY, USERPAYING, SUCCESS or CLOSED; ``pin``: what the page tells people to type."""
        with self._lock:
            found = dict(self._open)
        pay = self._simulator.pay
        return {
            openid: {
                **asdict(sheet),
                "number": number,
                "state": pay.phone.state(sheet.prepay_id),
                "pin": pay.options.pin,
            }
            for openid, (number, sheet) in found.items()
        }


def add_sheets(page: Blueprint, simulator: Simulator, sheets: Sheets) -> None:
    @page.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return jsonify(error=error.reason), 422

    @page.post("/desk/pay/sheet")
    def open_sheet() -> dict[str, Any]:
        """``request``: what a web page gave to getBrandWCPayRequest, as JSON; or, for tests, a bare ``prepay_id``."""
        openid = forms.text("openid")
        simulator.crowd.require(openid)
        asked = forms.text("request", "")
        sheet = simulator.pay.sheet(openid, forms.fields(asked)) if asked else _bare(simulator, openid)
        return {**asdict(sheet), "number": sheets.show(openid, sheet)}

    @page.post("/desk/pay/pin")
    def pay() -> dict[str, Any]:
        return asdict(simulator.pay.pay(forms.text("openid"), forms.text("prepay_id"), forms.text("pin")))

    @page.post("/desk/pay/leave")
    def leave() -> dict[str, Any]:
        sheets.leave(forms.text("openid"), forms.whole("number", 1, 10**9))
        return {}


def _bare(simulator: Simulator, openid: str) -> Sheet:
    """The sheet of an order, without the web page that would ask for it. Raises Refused."""
    prepay_id = forms.text("prepay_id")
    order = simulator.pay.orders.by_prepay(prepay_id)
    if order is None:
        raise Refused("unknown_prepay")
    if order.openid != openid:
        raise Refused("other_payer")
    return Sheet(prepay_id, order.out_trade_no, simulator.options.account_name, order.description, order.total)
