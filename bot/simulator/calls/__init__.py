"""The platform's API under its own paths, answering as the real one does, mistakes included.

An answer is 200 and JSON whatever happened; ``errcode`` tells.
"""

from flask import Blueprint, Response, request

from bot.simulator.calls import media, menus, messages, tags, tokens
from bot.simulator.calls.base import Calls, as_json
from bot.simulator.errors import ApiError
from bot.simulator.simulator import Simulator

CALLS: Calls = {**tokens.CALLS, **menus.CALLS, **media.CALLS, **tags.CALLS, **messages.CALLS}
ROOTS = ("/cgi-bin", "/sns", "/wxaapi")


def make_api(simulator: Simulator) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        return as_json({"errcode": error.code, "errmsg": error.message})

    def call(path: str) -> Response:
        found = CALLS.get(request.path)
        if found is None or not found.open:
            simulator.tokens.check(request.args.get("access_token", ""))
        if found is None:
            raise ApiError(40066)
        if request.method != found.method:
            raise ApiError(43002 if found.method == "POST" else 43001)
        answer = found.answer(simulator)
        return answer if isinstance(answer, Response) else as_json(answer)

    for root in ROOTS:
        api.add_url_rule(f"{root}/<path:path>", view_func=call, methods=["GET", "POST"])
    return api
