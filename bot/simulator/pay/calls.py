"""Pay's API under /v3: requests are verified before they are read, and what follows is signed."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from bot.simulator.breaking import Broken, hang_up
from bot.simulator.faults import Kind as Fault
from bot.simulator.pay import fields
from bot.simulator.pay.desk import Pay
from bot.simulator.pay.errors import BY_STATUS, PayError
from bot.simulator.pay.modes import DIRECT, PARTNER, Mode
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
    _check_signer(sim.pay, _body(), DIRECT)
    sim.pay.orders.close(out_trade_no)
    return None


def partner_order(sim: Simulator) -> Answer:
    sim.pay.rates.use("order")
    return {"prepay_id": sim.pay.orders.create(_body(), PARTNER)}


def partner_query_by_transaction(sim: Simulator, transaction_id: str) -> Answer:
    sub_mchid = _queried_for(sim.pay)
    return sim.pay.orders.shown(sim.pay.orders.by_transaction(transaction_id, sub_mchid))


def partner_query_by_number(sim: Simulator, out_trade_no: str) -> Answer:
    sub_mchid = _queried_for(sim.pay)
    return sim.pay.orders.shown(sim.pay.orders.by_number(out_trade_no, sub_mchid))


def partner_close(sim: Simulator, out_trade_no: str) -> Answer:
    _check_signer(sim.pay, _body(), PARTNER)
    sim.pay.orders.close(out_trade_no, sim.pay.orders.sub_merchant(_body()))
    return None


def release(sim: Simulator) -> Answer:
    sim.pay.orders.sub_merchant(_body())
    return sim.pay.releases.shown(sim.pay.releases.create(_body()))


def query_release(sim: Simulator, out_order_no: str) -> Answer:
    sub_mchid = sim.pay.orders.sub_merchant(request.args)
    transaction_id = fields.text(dict(request.args), "transaction_id", 32)
    return sim.pay.releases.shown(sim.pay.releases.find(out_order_no, sub_mchid, transaction_id))


def refund(sim: Simulator) -> Answer:
    sim.pay.rates.use("refund")
    try:
        return sim.pay.refunds.shown(sim.pay.refunds.create(_body()))
    except PayError:
        sim.pay.rates.use("refused_refund")
        raise


def query_refund(sim: Simulator, out_refund_no: str) -> Answer:
    sim.pay.rates.use("query")
    sub_mchid = sim.pay.orders.sub_merchant(request.args) if PARTNER.sub_mchid in request.args else ""
    return sim.pay.refunds.shown(sim.pay.refunds.by_number(out_refund_no, sub_mchid))


def trade_bill(sim: Simulator) -> Answer:
    tar = request.args.get("tar_type", "")
    if tar not in TARS:
        raise fields.wrong("tar_type", "GZIP or nothing")
    kind = request.args.get("bill_type", "ALL")
    sub_mchid = sim.pay.orders.sub_merchant(request.args) if PARTNER.sub_mchid in request.args else ""
    digest, token = sim.pay.bills.apply(request.args.get("bill_date", ""), kind, TARS[tar], sub_mchid)
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
    ("POST", re.compile("/v3/pay/partner/transactions/jsapi"), partner_order),
    ("GET", re.compile("/v3/pay/partner/transactions/id/([^/]+)"), partner_query_by_transaction),
    ("GET", re.compile("/v3/pay/partner/transactions/out-trade-no/([^/]+)"), partner_query_by_number),
    ("POST", re.compile("/v3/pay/partner/transactions/out-trade-no/([^/]+)/close"), partner_close),
    ("POST", re.compile("/v3/profitsharing/orders/unfreeze"), release),
    ("GET", re.compile("/v3/profitsharing/orders/([^/]+)"), query_release),
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


def _queried(pay: Pay, mode: Mode = DIRECT) -> None:
    pay.rates.use("query")
    _check_signer(pay, request.args, mode)


def _queried_for(pay: Pay) -> str:
    """Count a partner's query and return the sub-merchant that it names. Raises PayError."""
    _queried(pay, PARTNER)
    return pay.orders.sub_merchant(request.args)


def _check_signer(pay: Pay, given: Mapping[str, Any], mode: Mode) -> None:
    """Raises PayError unless the request names the merchant that signed it."""
    if given.get(mode.mchid) != pay.options.mchid:
        raise fields.wrong(mode.mchid, "not the one that signed")
