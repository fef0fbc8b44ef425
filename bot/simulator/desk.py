"""The page's endpoints under /desk: what people do, the faults, and the clock."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, request

from bot.simulator import forms
from bot.simulator.faults import CALL, MOST_SECONDS, Fault, Kind
from bot.simulator.platform import Delivery
from bot.simulator.simulator import Simulator
from bot.simulator.voices import How

LONGEST_MOVE = 400 * 86400
"""Seconds that the clock may be moved at once: a year and a bit, as a refund may take."""
MOST_TIMES = 1000
CALLBACKS = "/notify"
"""The ``where`` of a fault that befalls the callbacks of Pay alone."""


def _scan(simulator: Simulator) -> Delivery:
    """One of the account's codes by its ticket, or any scene."""
    openid, ticket = forms.text("openid"), forms.text("ticket", "")
    if ticket and not forms.path():
        return simulator.scan_code(openid, ticket)
    return simulator.scan(openid, forms.text("scene"), forms.path())


def _speak(simulator: Simulator) -> Delivery:
    """``recognised``: WeChat hears the words itself, as it once did."""
    words = forms.text("text", "")
    try:
        how = How(forms.text("how", How.CLEAR))
    except ValueError as error:
        raise forms.BadRequest("how") from error
    recognition = words if forms.text("recognised", "") else ""
    return simulator.voice(forms.text("openid"), recognition, forms.ref(), words=words, how=how)


ACTIONS: dict[str, Callable[[Simulator], Any]] = {
    "meet": lambda sim: sim.meet(forms.text("openid")),
    "text": lambda sim: sim.send_text(
        forms.text("openid"), forms.text("text"), forms.text("option_id", ""), forms.ref()
    ),
    "tap": lambda sim: sim.tap(forms.text("openid"), forms.path()),
    "photo": lambda sim: sim.photo(forms.text("openid"), forms.file("photo"), forms.ref(), forms.path()),
    "place": lambda sim: sim.place(
        forms.text("openid"),
        forms.number("lat", -90, 90),
        forms.number("lng", -180, 180),
        forms.text("label", ""),
        forms.ref(),
        forms.path(),
    ),
    "voice": _speak,
    "scan": _scan,
    "consent": lambda sim: sim.answer_popup(forms.text("openid"), forms.choices("choices")),
    "follow": lambda sim: sim.follow(forms.text("openid")),
    "unfollow": lambda sim: sim.unfollow(forms.text("openid")),
}


def add_desk(page: Blueprint, simulator: Simulator) -> None:
    @page.get("/desk/menu")
    def menu() -> dict[str, Any]:
        from_whom = request.args.get("openid", "")
        menu_id, buttons = simulator.menu_of(from_whom)
        return {"menuid": menu_id, "button": buttons}

    @page.post("/desk/check")
    def check() -> dict[str, Any]:
        return {"ok": simulator.check_url()}

    @page.post("/desk/page")
    def check_page() -> dict[str, Any]:
        """Whether a page inside a phone may use the JS-SDK, by the signature over its address."""
        signed = (forms.text("signature"), forms.text("nonce"), forms.text("timestamp"), forms.text("url"))
        known = forms.text("appId") == simulator.options.app_id
        return {"ok": known and simulator.tickets.verify(*signed)}

    @page.post("/desk/people")
    def new_person() -> dict[str, Any]:
        return {"openid": simulator.new_person().openid}

    @page.post("/desk/faults")
    def add_fault() -> dict[str, Any]:
        return {"id": simulator.faults.add(_fault())}

    @page.post("/desk/faults/lift")
    def lift_fault() -> dict[str, Any]:
        """One fault by its id, or without one all."""
        simulator.faults.lift(forms.whole("id", 1, 10**9) if forms.text("id", "") else None)
        return {"left": len(simulator.faults.shown())}

    @page.post("/desk/clock")
    def move_clock() -> dict[str, Any]:
        """Answers when all that fell due has been done."""
        simulator.timeline.move(forms.number("seconds", 0, LONGEST_MOVE))
        return {"now": simulator.timeline(), "ahead": simulator.timeline.ahead}

    @page.post("/desk/<action>")
    def act(action: str) -> dict[str, Any]:
        """What a person does. Answers when it is over; what came of it is in the feed."""
        if action not in ACTIONS:
            abort(404)
        delivery = ACTIONS[action](simulator)
        return {"status": delivery.status if delivery else None}


def _fault() -> Fault:
    """``share`` in percent. Raises BadRequest."""
    try:
        kind = Kind(forms.text("kind"))
    except ValueError as error:
        raise forms.BadRequest("kind") from error
    where = forms.text("where", "").strip()
    if where and (kind in CALL) != (where.startswith("/") and where != CALLBACKS):
        raise forms.BadRequest("where")  # a path for a call of the API; a person, or Pay's callbacks, for a delivery
    return Fault(
        kind,
        times=forms.whole("times", 1, MOST_TIMES, 0) or None,
        share=forms.number("share", 1, 100, 100) / 100,
        where=where,
        seconds=forms.number("seconds", 0, MOST_SECONDS, 0),
        code=forms.whole("code", -(10**6), 10**6, -1),
    )
