"""Access tokens: token and stable_token, and who may have one."""

from typing import Any

from flask import request

from bot.simulator.calls.base import Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.sealing import same
from bot.simulator.simulator import Simulator


def token(simulator: Simulator) -> Answer:
    _prove(simulator, dict(request.args))
    value, seconds = simulator.tokens.ordinary()
    return {"access_token": value, "expires_in": seconds}


def stable_token(simulator: Simulator) -> Answer:
    given = body()
    _prove(simulator, given)
    value, seconds = simulator.tokens.stable(given.get("force_refresh") is True)
    return {"access_token": value, "expires_in": seconds}


def _prove(simulator: Simulator, given: dict[str, Any]) -> None:
    """Raises ApiError unless the credentials are the account's."""
    options = simulator.options
    if given.get("grant_type") != "client_credential":
        raise ApiError(40002)
    if not given.get("appid"):
        raise ApiError(41002)
    if not given.get("secret"):
        raise ApiError(41004)
    if not same(str(given["appid"]), options.app_id):
        raise ApiError(40013)
    if not same(str(given["secret"]), options.app_secret):
        raise ApiError(40125)


CALLS: Calls = {
    "/cgi-bin/token": Call("GET", token, quota="token", open=True),
    "/cgi-bin/stable_token": Call("POST", stable_token, open=True),
}
