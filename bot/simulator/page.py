"""The chat page, for this machine's browser only: its door, its files, and what it is told."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_from_directory

from bot.simulator import stream
from bot.simulator.calls import CALLS
from bot.simulator.codes import DeadCode
from bot.simulator.crowd import UnknownPerson
from bot.simulator.desk import add_desk
from bot.simulator.errors import ApiError
from bot.simulator.forms import BadRequest
from bot.simulator.sheets import Sheets, add_sheets
from bot.simulator.simulator import NoSuchButton, Simulator
from bot.simulator.voices import RECOGNISER

ASSET = re.compile(r"[a-z]+\.(js|css)")
SDK = "/open/js/jweixin-1.6.0.js"
"""The path that the JS-SDK has on the platform's own host of files."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data: {account}; "
    "connect-src 'self'; frame-src 'self' {account}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def make_page(simulator: Simulator) -> Blueprint:
    page = Blueprint("page", __name__)
    sheets = Sheets(simulator)
    calls = sorted([*CALLS, RECOGNISER])
    boot = secrets.token_hex(8)  # a page left open over a restart sees it change and starts afresh
    server = urlsplit(simulator.options.bot_url)
    account = f"{server.scheme}://{server.netloc}"  # pages of no other origin open inside a phone

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
        response.headers["Content-Security-Policy"] = POLICY.format(account=account)
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

    @page.errorhandler(DeadCode)
    def dead_code(_: DeadCode) -> tuple[Response, int]:
        return jsonify(error="dead_code"), 410

    @page.errorhandler(ApiError)
    def refused(error: ApiError) -> tuple[Response, int]:
        return jsonify(error=str(error.code)), 422

    @page.get("/")
    def index() -> str:
        return render_template(
            "page.html",
            options=simulator.options,
            boot=boot,
            account=account,
            calls=calls,
            shared=simulator.timeline.is_shared,
        )

    @page.get("/assets/<name>")
    def asset(name: str) -> Response:
        if not ASSET.fullmatch(name):
            abort(404)
        return send_from_directory(simulator.options.templates_dir, name)

    @page.get(SDK)
    def sdk() -> Response:
        """For the account's pages inside a phone: what WeChat itself puts into them, and its JS-SDK."""
        folder = simulator.options.templates_dir
        parts = [(folder / name).read_text(encoding="utf-8") for name in ("bridge.js", "jweixin.js")]
        return Response("\n".join(parts), mimetype="text/javascript")

    @page.get("/media/<media_id>")
    def media(media_id: str) -> Response:
        try:
            found = simulator.media.get(media_id)
        except ApiError:
            abort(404)
        return Response(found.data, mimetype=found.format)

    @page.get("/desk/feed")
    def feed() -> dict[str, Any]:
        return stream.snapshot(simulator, sheets, boot, request.args.get("after", 0, int))

    @page.get("/desk/stream")
    def live() -> Response:
        news = stream.events(simulator, sheets, boot, stream.since(boot), stream.caller_left())
        return Response(news, mimetype="text/event-stream")

    add_sheets(page, simulator, sheets)
    add_desk(page, simulator)
    return page
