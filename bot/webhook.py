"""Serve WeChat's webhook: prove that WeChat sent the message, take one turn, answer.

A refused request gets a status and an empty body, and one line in the log.
"""

import time
from collections.abc import Callable, Mapping

import structlog
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bot.web.body import read_body
from bot.web.metrics import DELIVERIES
from bot.wechat.codec import BODY_BYTES, NOTHING, WebhookCodec
from bot.wechat.crypto import Forgery
from bot.wechat.markup import Unreadable
from models.people.message import Message

log = structlog.get_logger(__name__)


def webhook(codec: WebhookCodec, take_turn: Callable[[Message], str], try_again: type[Exception]) -> Blueprint:
    """Make the routes of ``/wechat``. ``take_turn`` returns the reply ("" for none), or raises ``try_again``.

    ``try_again`` makes WeChat deliver the message once more."""
    door = Blueprint("wechat", __name__)

    @door.get("/wechat")
    def answer_url_check() -> Response:
        # The echo is the caller's own text: nosniff keeps a browser from taking it for a page.
        echo = Response(codec.check_url(_query()), mimetype="text/plain")
        echo.headers["X-Content-Type-Options"] = "nosniff"
        return echo

    @door.post("/wechat")
    def receive() -> Response:
        delivery = codec.open(codec.prove(_query()), read_body(BODY_BYTES))
        reply = codec.seal(take_turn(delivery.message), delivery)
        return Response(reply, mimetype="text/plain" if reply == NOTHING else "application/xml")

    # Before the app looks at the body's size, so that what it refuses has a beginning, too.
    door.url_value_preprocessor(_begin)
    door.after_request(_count)
    door.register_error_handler(Forgery, _forged)
    door.register_error_handler(Unreadable, _unreadable)
    door.register_error_handler(HTTPException, _refused)
    door.register_error_handler(RequestEntityTooLarge, _refused)  # the app has its own for this one
    door.register_error_handler(try_again, _try_again)
    return door


def _begin(_endpoint: str | None, _values: object) -> None:
    g.begun = time.perf_counter()


def _count(response: Response) -> Response:
    DELIVERIES.labels(response.status_code).observe(time.perf_counter() - g.begun)
    return response


def _query() -> Mapping[str, str]:
    """Return the query; a name given twice counts as absent, since readers disagree about which one counts."""
    return {name: values[0] for name, values in request.args.lists() if len(values) == 1}


def _forged(forgery: Forgery) -> Response:
    log.warning("push_forged", reason=forgery.reason)
    return Response(status=403)


def _unreadable(unreadable: Unreadable) -> Response:
    log.warning("push_unreadable", reason=unreadable.reason)
    return Response(status=400)


def _refused(problem: HTTPException) -> Response:
    """Answer a request that is too long (413) or was cut off (400)."""
    log.warning("push_refused", status=problem.code)
    return Response(status=problem.code)


def _try_again(_: Exception) -> Response:
    log.warning("push_put_off")
    return Response(status=503)
