"""The platform's API under its own paths, answering as the real one does, mistakes included.

An answer is 200 and JSON whatever happened; ``errcode`` tells.
"""

import time

from flask import Blueprint, Response, request

from bot.simulator.breaking import Broken, hang_up
from bot.simulator.calls import (
    codes,
    media,
    menus,
    messages,
    oauth,
    people,
    quota,
    subscriptions,
    tags,
    templates,
    tickets,
    tokens,
)
from bot.simulator.calls.base import Calls, as_json
from bot.simulator.errors import ApiError
from bot.simulator.faults import Kind
from bot.simulator.simulator import Simulator

ROOMS = (tokens, menus, media, tags, messages, templates, subscriptions, people, codes, oauth, tickets)
CALLS: Calls = {path: call for room in ROOMS for path, call in room.CALLS.items()}
CALLS |= quota.calls(dict(CALLS))
ROOTS = ("/cgi-bin", "/sns", "/wxaapi")


def _answer(simulator: Simulator) -> Response:
    found = CALLS.get(request.path)
    if found is None or not found.open:
        simulator.tokens.check(request.args.get("access_token", ""))
    if found is None:
        raise ApiError(40066)
    if request.method != found.method:
        raise ApiError(43002 if found.method == "POST" else 43001)
    if found.quota:
        simulator.quotas.use(found.quota)
    answer = found.answer(simulator)
    return answer if isinstance(answer, Response) else as_json(answer)


def make_api(simulator: Simulator) -> Blueprint:
    api = Blueprint("api", __name__)

    api.register_error_handler(Broken, hang_up)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        rid = simulator.rids.new()
        answer = as_json({"errcode": error.code, "errmsg": f"{error.message} rid: {rid}"})
        found = CALLS.get(request.path)
        kept = request.is_json and found is not None and not found.open  # open calls carry the account's secret
        body = request.get_data(as_text=True) if kept else ""
        told = answer.get_data(as_text=True)
        simulator.rids.keep(rid, request.query_string.decode("utf-8", "replace"), body, told, request.remote_addr or "")
        return answer

    def call(path: str) -> Response:
        faults = {fault.kind: fault for fault in simulator.faults.on_call(request.path)}
        if Kind.SLOW in faults:
            time.sleep(faults[Kind.SLOW].seconds)
        if Kind.DOWN in faults:
            raise Broken
        if Kind.REFUSE in faults:
            raise ApiError(faults[Kind.REFUSE].code)
        answer = _answer(simulator)
        if Kind.LOST in faults:
            raise Broken
        return answer

    for root in ROOTS:
        api.add_url_rule(f"{root}/<path:path>", view_func=call, methods=["GET", "POST"])
    return api
