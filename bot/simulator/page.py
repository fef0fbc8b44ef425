"""The chat page and its own endpoints under /desk, for this machine's browser only."""

import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_from_directory

from bot.simulator.crowd import UnknownPerson
from bot.simulator.errors import ApiError
from bot.simulator.simulator import NoSuchButton, Simulator

ASSET = re.compile(r"[a-z]+\.(js|css)")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
REF_LENGTH = 40
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class BadRequest(ValueError):
    """The page sent something that it never sends."""


def make_page(simulator: Simulator) -> Blueprint:
    page = Blueprint("page", __name__)
    boot = secrets.token_hex(8)  # a page left open over a restart sees it change and starts afresh

    @page.before_request
    def refuse_strangers() -> None:
        """A foreign site in the same browser, or a name that was rebound to this machine, gets nothing."""
        hosts = LOOPBACK | {urlsplit(simulator.options.public_url).hostname}
        if urlsplit(f"//{request.host}").hostname not in hosts:
            abort(403)
        if request.method == "POST" and request.headers.get("Origin") != request.host_url.rstrip("/"):
            abort(403)

    @page.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    @page.errorhandler(BadRequest)
    def bad_request(_: BadRequest) -> tuple[Response, int]:
        return jsonify(error="bad_request"), 400

    @page.errorhandler(UnknownPerson)
    def unknown_person(_: UnknownPerson) -> tuple[Response, int]:
        return jsonify(error="unknown_person"), 404

    @page.errorhandler(NoSuchButton)
    def no_such_button(_: NoSuchButton) -> tuple[Response, int]:
        return jsonify(error="no_such_button"), 409

    @page.errorhandler(ApiError)
    def refused(error: ApiError) -> tuple[Response, int]:
        return jsonify(error=str(error.code)), 422

    @page.get("/")
    def index() -> str:
        return render_template("page.html", options=simulator.options, boot=boot)

    @page.get("/assets/<name>")
    def asset(name: str) -> Response:
        if not ASSET.fullmatch(name):
            abort(404)
        return send_from_directory(simulator.options.templates_dir, name)

    @page.get("/media/<media_id>")
    def media(media_id: str) -> Response:
        try:
            found = simulator.media.get(media_id)
        except ApiError:
            abort(404)
        return Response(found.data, mimetype=found.format)

    @page.get("/desk/feed")
    def feed() -> dict[str, Any]:
        """All that is newer than the page has, for everybody at once."""
        return {
            "boot": boot,
            "people": simulator.crowd.shown(),
            "menu_stamp": f"{simulator.menus.changes}.{simulator.crowd.changes}",
            **simulator.chat.newer_than(request.args.get("after", 0, int)),
        }

    @page.get("/desk/menu")
    def menu() -> dict[str, Any]:
        menu_id, buttons = simulator.menu_of(request.args.get("openid", ""))
        return {"menuid": menu_id, "button": buttons}

    @page.post("/desk/check")
    def check() -> dict[str, Any]:
        return {"ok": simulator.check_url()}

    @page.post("/desk/people")
    def new_person() -> dict[str, Any]:
        return {"openid": simulator.new_person().openid}

    actions: dict[str, Callable[[Simulator], Any]] = {
        "meet": lambda sim: sim.meet(_text("openid")),
        "text": lambda sim: sim.send_text(_text("openid"), _text("text"), _text("option_id", ""), _ref()),
        "tap": lambda sim: sim.tap(_text("openid"), _path()),
        "photo": lambda sim: sim.photo(_text("openid"), _file(), _ref(), _path()),
        "place": lambda sim: sim.place(
            _text("openid"), _degrees("lat", 90), _degrees("lng", 180), _text("label", ""), _ref(), _path()
        ),
        "voice": lambda sim: sim.voice(_text("openid"), _text("text", ""), _ref()),
        "scan": lambda sim: sim.scan(_text("openid"), _text("scene"), _path()),
        "follow": lambda sim: sim.follow(_text("openid")),
        "unfollow": lambda sim: sim.unfollow(_text("openid")),
    }

    @page.post("/desk/<action>")
    def act(action: str) -> dict[str, Any]:
        """What a person does. Answers when it is over; what came of it is in the feed."""
        if action not in actions:
            abort(404)
        delivery = actions[action](simulator)
        return {"status": delivery.status if delivery else None}

    return page


def _text(name: str, default: str | None = None) -> str:
    value = request.form.get(name, default)
    if value is None or (default is None and not value):
        raise BadRequest(name)
    return value.replace("\r\n", "\n")


def _ref() -> str:
    return _text("ref", "")[:REF_LENGTH]


def _path() -> tuple[int, ...]:
    """The third sub-button of the first button is written 0.2; nothing written: no button."""
    written = _text("button", "")
    if not re.fullmatch(r"(\d(\.\d)?)?", written, re.ASCII):
        raise BadRequest("button")
    return tuple(int(part) for part in written.split(".") if part)


def _degrees(name: str, most: int) -> float:
    value = request.form.get(name, type=float)
    if value is None or not -most <= value <= most:
        raise BadRequest(name)
    return value


def _file() -> bytes:
    sent = request.files.get("photo")
    if sent is None:
        raise BadRequest("photo")
    return bytes(sent.read())
