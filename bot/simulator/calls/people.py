"""What the account may know of people, its notes on them, and its blacklist."""

from flask import request

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.people import PER_BATCH
from bot.simulator.simulator import Simulator


def info(simulator: Simulator) -> Answer:
    return simulator.people.info(request.args.get("openid", ""))


def infos(simulator: Simulator) -> Answer:
    wanted = body().get("user_list")
    if not isinstance(wanted, list) or not all(isinstance(row, dict) for row in wanted):
        raise ApiError(47001)
    if not 0 < len(wanted) <= PER_BATCH:
        raise ApiError(40032)
    return {"user_info_list": [simulator.people.info(str(row.get("openid", ""))) for row in wanted]}


def followers(simulator: Simulator) -> Answer:
    return simulator.people.followers(request.args.get("next_openid", ""))


def set_remark(simulator: Simulator) -> Answer:
    given = body()
    simulator.people.set_remark(str(given.get("openid", "")), str(given.get("remark", "")))
    return OK


def blacklist(simulator: Simulator) -> Answer:
    return simulator.people.blacklist(str(body().get("begin_openid") or ""))


def put_on_blacklist(simulator: Simulator) -> Answer:
    return _blacklist(simulator, listed=True)


def take_off_blacklist(simulator: Simulator) -> Answer:
    return _blacklist(simulator, listed=False)


def _blacklist(simulator: Simulator, listed: bool) -> Answer:
    openids = body().get("openid_list")
    if not isinstance(openids, list):
        raise ApiError(47001)
    simulator.people.set_blacklisted([str(openid) for openid in openids], listed)
    return OK


CALLS: Calls = {
    "/cgi-bin/user/info": Call("GET", info, quota="user_info"),
    "/cgi-bin/user/info/batchget": Call("POST", infos, quota="user_info"),
    "/cgi-bin/user/get": Call("GET", followers, quota="user_get"),
    "/cgi-bin/user/info/updateremark": Call("POST", set_remark),
    "/cgi-bin/tags/members/getblacklist": Call("POST", blacklist),
    "/cgi-bin/tags/members/batchblacklist": Call("POST", put_on_blacklist),
    "/cgi-bin/tags/members/batchunblacklist": Call("POST", take_off_blacklist),
}
