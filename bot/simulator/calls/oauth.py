"""Web authorisation's calls; the pages that lead to a code are in ``visits``."""

from flask import request

from bot.simulator.calls.base import OK, Answer, Call, Calls
from bot.simulator.errors import ApiError
from bot.simulator.oauth import USERINFO
from bot.simulator.sealing import same
from bot.simulator.simulator import Simulator


def redeem(simulator: Simulator) -> Answer:
    given = request.args
    _account(simulator)
    if not same(given.get("secret", ""), simulator.options.app_secret):
        raise ApiError(40125 if given.get("secret") else 41004)
    if not given.get("code"):
        raise ApiError(41008)
    if given.get("grant_type") != "authorization_code":
        raise ApiError(40002)
    return _with_union(simulator, simulator.oauth.redeem(given["code"]))


def refresh(simulator: Simulator) -> Answer:
    _account(simulator)
    if request.args.get("grant_type") != "refresh_token":
        raise ApiError(40002)
    if not request.args.get("refresh_token"):
        raise ApiError(41003)
    return _with_union(simulator, simulator.oauth.refresh(request.args["refresh_token"]))


def user_info(simulator: Simulator) -> Answer:
    """Nobody's place or sex is told any more; a snapshot's made-up person has no name either."""
    visit = simulator.oauth.check(request.args.get("access_token", ""), request.args.get("openid", ""))
    if visit.scope != USERINFO:
        raise ApiError(48001)
    name = "" if visit.snapshot else simulator.crowd.person(visit.person).name
    shown = {"openid": visit.openid, "nickname": name, "sex": 0, "province": "", "city": "", "country": ""}
    snapshot = {"is_snapshotuser": 1} if visit.snapshot else {}
    return _with_union(simulator, {**shown, "headimgurl": "", "privilege": [], **snapshot})


def check(simulator: Simulator) -> Answer:
    simulator.oauth.check(request.args.get("access_token", ""), request.args.get("openid", ""))
    return OK


def _account(simulator: Simulator) -> None:
    """Raises ApiError 41002, 40013."""
    app_id = request.args.get("appid", "")
    if not same(app_id, simulator.options.app_id):
        raise ApiError(40013 if app_id else 41002)


def _with_union(simulator: Simulator, answer: dict[str, object]) -> dict[str, object]:
    unionid = simulator.people.unionid(str(answer["openid"]))
    return {**answer, "unionid": unionid} if unionid else answer


CALLS: Calls = {
    "/sns/oauth2/access_token": Call("GET", redeem, open=True),
    "/sns/oauth2/refresh_token": Call("GET", refresh, open=True),
    "/sns/userinfo": Call("GET", user_info, open=True),
    "/sns/auth": Call("GET", check, open=True),
}
