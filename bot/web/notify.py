"""WeChat Pay's own door, POST /pay/notify: what is proved there is taken, everything else refused with a reason.

200 or 204 is "we have it", and it is only said once the database has: the platform then never tells it again. What the
platform gets besides is a code and a word for its log, as its pages want it; who is not the platform learns nothing.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.pay.answers import Refund
from bot.pay.making import NOTIFY_PATH
from bot.pay.notice import LARGEST_NOTICE, BadNotice, NotifyDoor, PaymentNotice
from bot.payments.orders import Till
from bot.web.figures import PAY_NOTICES

log = structlog.get_logger()

# Of what is not proved; it comes again, and is refused again.
_STATUS = {"size": 413, "body": 400, "event": 400, "seal": 400, "fields": 400, "payee": 400}
_NOT_PROVED = 401


def notify_door(
    door: NotifyDoor,
    till: Till,
    take_refund: Callable[[Refund, datetime], object],
    clock: Callable[[], datetime],
    true_clock: Callable[[], datetime],
) -> Blueprint:
    """``true_clock``: signatures are good for five minutes of it."""
    blueprint = Blueprint("notify", __name__)

    @blueprint.post(NOTIFY_PATH)
    def receive() -> Response:
        if (request.content_length or 0) > LARGEST_NOTICE:
            raise BadNotice("size")
        # One more than is taken, so that the door sees what has no length and is too long.
        body = request.stream.read(LARGEST_NOTICE + 1)
        notice = door.open_notice(request.headers, body, true_clock())
        if isinstance(notice, PaymentNotice):
            till.take(notice.trade, clock())
        else:
            take_refund(notice.refund, clock())
        PAY_NOTICES.labels("taken").inc()
        return Response(status=204)

    @blueprint.errorhandler(BadNotice)
    def refuse(error: BadNotice) -> tuple[Response, int]:
        log.warning("pay_notice.refused", reason=error.reason)
        PAY_NOTICES.labels("refused").inc()
        return _said("refused"), _STATUS.get(error.reason, _NOT_PROVED)

    @blueprint.errorhandler(DBAPIError)
    @blueprint.errorhandler(PoolTimeout)
    def fail(error: Exception) -> tuple[Response, int]:
        """Nothing was kept, so it must come again."""
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
