"""Serve WeChat Pay's callbacks, POST /pay/notify of gifts and /pay/notify/orders of orders.

They take what is proved to be the platform's, and refuse all else.

What the headers alone show to be no callback, or no longer one, is refused before its body is read.

204 is only answered once the database has the callback, since the platform then never sends it again. A refusal
holds a code and a word for the platform's log, as its documentation asks; a stranger learns nothing from it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import RequestEntityTooLarge

from bot.pay.answers import Refund, Trade
from bot.pay.callback import LARGEST_CALLBACK, BadCallback, CallbackVerifier, CallbackVerifiers, PaymentCallback
from bot.pay.factory import NOTIFY_PATH
from bot.web.body import read_body
from bot.web.metrics import PAY_NOTICES

log = structlog.get_logger()

# Status by reason of refusal. The platform sends a refused callback again, and it is refused again.
_STATUS = {"size": 413, "body": 400, "event": 400, "seal": 400, "fields": 400, "payee": 400}
_NOT_PROVED = 401


class Intake(Protocol):
    """Applies a paid trade whose origin is verified: bot.payments.orders, bot.market.payments."""

    def apply(self, trade: Trade, now: datetime) -> object: ...


def pay_callback(
    verifier: CallbackVerifier | CallbackVerifiers,
    intake: Intake,
    apply_refund: Callable[[Refund, datetime], object],
    clock: Callable[[], datetime],
    true_clock: Callable[[], datetime],
    *,
    path: str = NOTIFY_PATH,
) -> Blueprint:
    """Make the route. ``true_clock``: the real time, by which signatures are valid for five minutes."""
    blueprint = Blueprint(path.strip("/").replace("/", "_"), __name__)

    @blueprint.post(path)
    def receive() -> Response:
        verifier.check_headers(request.headers, true_clock())
        callback = verifier.open_callback(request.headers, read_body(LARGEST_CALLBACK), true_clock())
        if isinstance(callback, PaymentCallback):
            intake.apply(callback.trade, clock())
        else:
            apply_refund(callback.refund, clock())
        PAY_NOTICES.labels("taken").inc()
        return Response(status=204)

    @blueprint.errorhandler(BadCallback)
    def refuse(error: BadCallback) -> tuple[Response, int]:
        log.warning("pay_notice.refused", reason=error.reason)
        PAY_NOTICES.labels("refused").inc()
        return _said("refused"), _STATUS.get(error.reason, _NOT_PROVED)

    @blueprint.errorhandler(RequestEntityTooLarge)
    def refuse_size(_error: RequestEntityTooLarge) -> tuple[Response, int]:
        return refuse(BadCallback("size"))

    @blueprint.errorhandler(DBAPIError)
    @blueprint.errorhandler(PoolTimeout)
    def fail(error: Exception) -> tuple[Response, int]:
        """Answer 503 where the database failed: nothing was stored, so the platform must send it again."""
        log.error("pay_notice.not_kept", error=type(error).__name__)
        PAY_NOTICES.labels("failed").inc()
        return _said("try again"), 503

    @blueprint.errorhandler(Exception)
    def break_down(_error: Exception) -> tuple[Response, int]:
        log.exception("pay_notice.failed")
        PAY_NOTICES.labels("failed").inc()
        return _said("failed"), 500

    return blueprint


def _said(word: str) -> Response:
    return jsonify(code="FAIL", message=word)
