"""Pay's API under /v3: requests are verified before they are read, and what follows is signed."""

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from bot.simulator.breaking import Broken, hang_up
from bot.simulator.faults import Kind as Fault
from bot.simulator.pay import fields
from bot.simulator.pay.desk import Pay
from bot.simulator.pay.errors import BY_STATUS, PayError
from bot.simulator.pay.moments import rfc3339
from bot.simulator.pay.options import Kind
from bot.simulator.pay.signing import as_json, seal
from bot.simulator.simulator import Simulator

TARS = {"": False, "GZIP": True}


@dataclass(frozen=True)
class Bare:
    """An answer that is not JSON, and carries no signature (download-bill says so)."""

    data: bytes
    mimetype: str


Answer = dict[str, Any] | Bare | None
"""None: 204, nothing to say."""


def order(sim: Simulator) -> Answer:
    sim.pay.rates.use("order")
    return {"prepay_id": sim.pay.orders.create(_body())}


def query_by_transaction(sim: Simulator, transaction_id: str) -> Answer:
    _queried(sim.pay)
    return sim.pay.orders.shown(sim.pay.orders.by_transaction(transaction_id))


def query_by_number(sim: Simulator, out_trade_no: str) -> Answer:
    _queried(sim.pay)
    return sim.pay.orders.shown(sim.pay.orders.by_number(out_trade_no))


def close(sim: Simulator, out_trade_no: str) -> Answer:
    if fields.text(_body(), "mchid", 32) != sim.pay.options.mchid:
        raise fields.wrong("mchid", "not the one that signed")
    sim.pay.orders.close(out_trade_no)
    return None


def refund(sim: Simulator) -> Answer:
    sim.pay.rates.use("refund")
    try:
        return sim.pay.refunds.shown(sim.pay.refunds.create(_body()))
    except PayError:
        sim.pay.rates.use("refused_refund")
        raise


def query_refund(sim: Simulator, out_refund_no: str) -> Answer:
    sim.pay.rates.use("query")
    return sim.pay.refunds.shown(sim.pay.refunds.by_number(out_refund_no))


def trade_bill(sim: Simulator) -> Answer:
    tar = request.args.get("tar_type", "")
    if tar not in TARS:
        raise fields.wrong("tar_type", "GZIP or nothing")
    kind = request.args.get("bill_type", "ALL")
    digest, token = sim.pay.bills.apply(request.args.get("bill_date", ""), kind, TARS[tar])
    url = f"{sim.options.public_url}/v3/billdownload/file?token={token}"
    return {"hash_type": "SHA1", "hash_value": digest, "download_url": url}


def download_bill(sim: Simulator) -> Answer:
    data = sim.pay.bills.fetch(request.args.get("token", ""))
    compressed = data.startswith(b"\x1f\x8b")
    return Bare(data, "application/x-gzip" if compressed else "text/plain; charset=utf-8")


def certificates(sim: Simulator) -> Answer:
    if sim.pay.options.kind is not Kind.CERTIFICATE:
        raise PayError("RESOURCE_NOT_EXISTS", "no platform certificate; use the public key")
    keys = sim.pay.keys()
    listed = [
        {
            "serial_no": pair.serial,
            "effective_time": rfc3339(pair.certificate.not_valid_before_utc.timestamp()),
            "expire_time": rfc3339(pair.certificate.not_valid_after_utc.timestamp()),
            "encrypt_certificate": seal(keys.apiv3_key, pair.pem, "certificate"),
        }
        for pair in keys.certificates
    ]
    return {"data": listed}


# (method, path, what answers); a group of the path is an argument.
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Answer]], ...] = (
    ("POST", re.compile("/v3/pay/transactions/jsapi"), order),
    ("GET", re.compile("/v3/pay/transactions/id/([^/]+)"), query_by_transaction),
    ("GET", re.compile("/v3/pay/transactions/out-trade-no/([^/]+)"), query_by_number),
    ("POST", re.compile("/v3/pay/transactions/out-trade-no/([^/]+)/close"), close),
    ("POST", re.compile("/v3/refund/domestic/refunds"), refund),
    ("GET", re.compile("/v3/refund/domestic/refunds/([^/]+)"), query_refund),
    ("GET", re.compile("/v3/bill/tradebill"), trade_bill),
    ("GET", re.compile("/v3/billdownload/file"), download_bill),
    ("GET", re.compile("/v3/certificates"), certificates),
)


def make_pay_api(simulator: Simulator) -> Blueprint:
    api = Blueprint("pay", __name__)
    api.register_error_handler(Broken, hang_up)
    pay = simulator.pay

    @api.errorhandler(PayError)
    def refuse(error: PayError) -> Response:
        return _finish(pay, {"code": error.code, "message": error.message}, error.status)

    @api.route("/v3/<path:path>", methods=["GET", "POST"])
    def call(path: str) -> Response:
        faults = {fault.kind: fault for fault in simulator.faults.on_call(request.path)}
        if Fault.SLOW in faults:
            time.sleep(faults[Fault.SLOW].seconds)
        if Fault.DOWN in faults:
            raise Broken
        pay.gate.check(request.method, _target(), request.headers.get("Authorization", ""), request.get_data())
        g.serial = pay.signer.answer_serial("")
        g.serial = pay.signer.answer_serial(request.headers.get("Wechatpay-Serial", ""))
        if Fault.REFUSE in faults:
            raise PayError(BY_STATUS.get(faults[Fault.REFUSE].code, "SYSTEM_ERROR"), "a fault of the desk")
        answer = _answer(simulator)
        if Fault.LOST in faults:
            raise Broken
        return _finish(pay, answer)

    return api


def _answer(simulator: Simulator) -> Answer:
    if not request.headers.get("Accept") or not request.headers.get("User-Agent"):
        raise PayError("PARAM_ERROR", "Accept and User-Agent are required")
    for method, path, function in ROUTES:
        found = path.fullmatch(request.path)
        if found and method == request.method:
            return function(simulator, *found.groups())
    raise PayError("RESOURCE_NOT_EXISTS", "no such address")


def _finish(pay: Pay, answer: Answer, status: int = 200) -> Response:
    """The response, signed if the request was proved to be the merchant's."""
    if isinstance(answer, Bare):
        response = Response(answer.data, content_type=answer.mimetype)
    else:
        data = b"" if answer is None else as_json(answer).encode()
        response = Response(data, 204 if answer is None else status, content_type="application/json; charset=utf-8")
        if "serial" in g:
            probe = pay.signer.takes_bad_answer()
            response.headers.extend(pay.signer.headers(data, g.serial, probe))
    response.headers["Request-ID"] = secrets.token_hex(16).upper()
    return response


def _target() -> str:
    """Path and query as they were sent: the signature is over them."""
    return str(request.environ.get("REQUEST_URI") or request.full_path.rstrip("?"))


def _body() -> dict[str, Any]:
    """The request's JSON object. Raises PayError."""
    try:
        read = json.loads(request.get_data())
    except ValueError as error:
        raise PayError("PARAM_ERROR", "the body is no JSON") from error
    if not isinstance(read, dict):
        raise PayError("PARAM_ERROR", "the body is no JSON object")
    return read


def _queried(pay: Pay) -> None:
    pay.rates.use("query")
    if request.args.get("mchid", "") != pay.options.mchid:
        raise fields.wrong("mchid", "not the one that signed")
