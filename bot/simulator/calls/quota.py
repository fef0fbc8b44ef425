"""What is left of the day's calls, what became of a refused one, and how the platform reaches the account's server.

Sources: doc/service/Message_Management/API_Call_Limits.html and doc/service/guide/dev/api.
"""

from urllib.parse import urlsplit

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.sealing import same
from bot.simulator.simulator import Simulator

ACTIONS = {"dns", "ping", "all"}
OPERATORS = {"CHINANET", "UNICOM", "CAP", "DEFAULT"}
PLATFORM = "127.0.0.1"
"""Where the simulator's deliveries come from."""


def clear(simulator: Simulator) -> Answer:
    if body().get("appid") != simulator.options.app_id:
        raise ApiError(40013)
    simulator.quotas.clear()
    return OK


def clear_by_secret(simulator: Simulator) -> Answer:
    given = body()
    if given.get("appid") != simulator.options.app_id:
        raise ApiError(40013)
    if not same(str(given.get("appsecret", "")), simulator.options.app_secret):
        raise ApiError(40125)
    simulator.quotas.clear()
    return OK


def get_rid(simulator: Simulator) -> Answer:
    found = simulator.rids.find(str(body().get("rid", "")))
    shown = {
        "invoke_time": found.at,
        "cost_in_ms": 0,
        "request_url": found.url,
        "request_body": found.body,
        "response_body": found.answer,
        "client_ip": found.client,
    }
    return {**OK, "request": shown}


def check_server(simulator: Simulator) -> Answer:
    """Raises ApiError 40202, 40203."""
    given = body()
    if given.get("action") not in ACTIONS:
        raise ApiError(40202)
    if given.get("check_operator") not in OPERATORS:
        raise ApiError(40203)
    host = urlsplit(simulator.options.bot_url).hostname or ""
    answer: dict[str, object] = {}
    if given["action"] != "ping":
        answer["dns"] = [{"ip": host, "real_operator": given["check_operator"]}]
    if given["action"] != "dns":
        reached = simulator.check_url()
        loss = "0%" if reached else "100%"
        answer["ping"] = [{"ip": host, "from_operator": given["check_operator"], "package_loss": loss, "time": "1ms"}]
    return answer


def addresses(simulator: Simulator) -> Answer:
    return {"ip_list": [PLATFORM]}


def calls(others: Calls) -> Calls:
    """``others``: every call whose quota may be asked for."""

    def get(simulator: Simulator) -> Answer:
        found = others.get(str(body().get("cgi_path", "")))
        if found is None or not found.quota:
            raise ApiError(76021)
        used, most = simulator.quotas.used(found.quota)
        return {**OK, "quota": {"daily_limit": most, "used": used, "remain": most - used}}

    return {
        "/cgi-bin/clear_quota": Call("POST", clear),
        "/cgi-bin/clear_quota/v2": Call("POST", clear_by_secret, open=True),
        "/cgi-bin/openapi/quota/get": Call("POST", get),
        "/cgi-bin/openapi/rid/get": Call("POST", get_rid),
        "/cgi-bin/callback/check": Call("POST", check_server),
        "/cgi-bin/getcallbackip": Call("GET", addresses),
        "/cgi-bin/get_api_domain_ip": Call("GET", addresses),
    }
