"""The platform's own paths under /cgi-bin, answering as the real ones do, mistakes included.

An answer is 200 and JSON whatever happened; ``errcode`` tells.
"""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from bot.simulator.errors import ApiError
from bot.simulator.push import read_push
from bot.simulator.sealing import same
from bot.simulator.simulator import Simulator

Answer = dict[str, Any] | Response
OPEN_PATHS = {"/cgi-bin/token", "/cgi-bin/stable_token"}
OK = {"errcode": 0, "errmsg": "ok"}


def make_api(simulator: Simulator) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/cgi-bin")

    @api.before_request
    def hold_a_token() -> None:
        if request.path not in OPEN_PATHS:
            simulator.tokens.check(request.args.get("access_token", ""))

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        return _answer({"errcode": error.code, "errmsg": error.message})

    paths: dict[str, tuple[str, Callable[[Simulator], Answer]]] = {
        "/token": ("GET", token),
        "/stable_token": ("POST", stable_token),
        "/menu/create": ("POST", create_menu),
        "/menu/get": ("GET", get_menu),
        "/menu/delete": ("GET", delete_menu),
        "/menu/addconditional": ("POST", add_conditional),
        "/menu/delconditional": ("POST", delete_conditional),
        "/menu/trymatch": ("POST", try_match),
        "/media/upload": ("POST", upload),
        "/media/get": ("GET", download),
        "/tags/create": ("POST", create_tag),
        "/tags/get": ("GET", get_tags),
        "/tags/members/batchtagging": ("POST", put_tag),
        "/tags/members/batchuntagging": ("POST", take_tag),
        "/tags/getidlist": ("POST", tags_of),
        "/message/custom/send": ("POST", send),
    }

    @api.route("/<path:path>", methods=["GET", "POST"])
    def call(path: str) -> Response:
        method, function = paths.get(f"/{path}", ("", None))
        if function is None:
            raise ApiError(40066)
        if request.method != method:
            raise ApiError(43002 if method == "POST" else 43001)
        answer = function(simulator)
        return answer if isinstance(answer, Response) else _answer(answer)

    return api


def token(simulator: Simulator) -> Answer:
    _prove(simulator, dict(request.args))
    value, seconds = simulator.tokens.ordinary()
    return {"access_token": value, "expires_in": seconds}


def stable_token(simulator: Simulator) -> Answer:
    body = _body()
    _prove(simulator, body)
    value, seconds = simulator.tokens.stable(body.get("force_refresh") is True)
    return {"access_token": value, "expires_in": seconds}


def create_menu(simulator: Simulator) -> Answer:
    simulator.menus.create(_body())
    return OK


def get_menu(simulator: Simulator) -> Answer:
    return simulator.menus.get()


def delete_menu(simulator: Simulator) -> Answer:
    simulator.menus.delete()
    return OK


def add_conditional(simulator: Simulator) -> Answer:
    return {"menuid": str(simulator.menus.add_conditional(_body(), simulator.crowd.has_tag))}


def delete_conditional(simulator: Simulator) -> Answer:
    simulator.menus.delete_conditional(_body().get("menuid"))
    return OK


def try_match(simulator: Simulator) -> Answer:
    openid = str(_body().get("user_id"))
    if not simulator.crowd.knows(openid):
        raise ApiError(65302)
    menu_id, buttons = simulator.menu_of(openid)
    if not menu_id:
        raise ApiError(46003)
    return {"button": buttons}


def upload(simulator: Simulator) -> Answer:
    kind = request.args.get("type", "")
    sent = request.files.get("media")
    if sent is None:
        raise ApiError(41005)
    media = simulator.media.put(kind, sent.read())
    return {"type": kind, "media_id": media.media_id, "created_at": media.created}


def download(simulator: Simulator) -> Answer:
    media_id = request.args.get("media_id", "")
    if not media_id:
        raise ApiError(41006)
    media = simulator.media.get(media_id)
    if media.format == "video/mp4":
        return {"video_url": f"{simulator.options.public_url}/media/{media_id}"}
    suffix = media.format.split("/")[1]
    disposition = f'attachment; filename="{media_id}.{suffix}"'
    return Response(media.data, mimetype=media.format, headers={"Content-Disposition": disposition})


def create_tag(simulator: Simulator) -> Answer:
    wanted = _body().get("tag")
    if not isinstance(wanted, dict):
        raise ApiError(47001)
    name = str(wanted.get("name", ""))
    return {"tag": {"id": simulator.crowd.create_tag(name), "name": name}}


def get_tags(simulator: Simulator) -> Answer:
    return {"tags": simulator.crowd.tags()}


def put_tag(simulator: Simulator) -> Answer:
    return _tag(simulator, wear=True)


def take_tag(simulator: Simulator) -> Answer:
    return _tag(simulator, wear=False)


def tags_of(simulator: Simulator) -> Answer:
    return {"tagid_list": simulator.crowd.tags_of(str(_body().get("openid")))}


def send(simulator: Simulator) -> Answer:
    body = _body()
    openid = str(body.get("touser"))
    if not simulator.crowd.knows(openid):
        raise ApiError(40003)
    if not simulator.crowd.is_following(openid):
        raise ApiError(43004)
    kind, content = read_push(body, simulator.media)
    simulator.push(openid, kind, content)
    return OK


def _tag(simulator: Simulator, wear: bool) -> Answer:
    body = _body()
    openids, tag = body.get("openid_list"), body.get("tagid")
    if not isinstance(openids, list):
        raise ApiError(47001)
    if not isinstance(tag, int):
        raise ApiError(45159)
    simulator.crowd.tag([str(openid) for openid in openids], tag, wear)
    return OK


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


def _body() -> dict[str, Any]:
    raw = request.get_data()
    if not raw:
        raise ApiError(44002)
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ApiError(47001) from error
    if not isinstance(body, dict):
        raise ApiError(47001)
    return body


def _answer(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), content_type="application/json; encoding=utf-8")
