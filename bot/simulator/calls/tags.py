"""Tags, and who wears them."""

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.simulator import Simulator


def create_tag(simulator: Simulator) -> Answer:
    wanted = body().get("tag")
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
    return {"tagid_list": simulator.crowd.tags_of(str(body().get("openid")))}


def _tag(simulator: Simulator, wear: bool) -> Answer:
    given = body()
    openids, tag = given.get("openid_list"), given.get("tagid")
    if not isinstance(openids, list):
        raise ApiError(47001)
    if not isinstance(tag, int):
        raise ApiError(45159)
    simulator.crowd.tag([str(openid) for openid in openids], tag, wear)
    return OK


CALLS: Calls = {
    "/cgi-bin/tags/create": Call("POST", create_tag),
    "/cgi-bin/tags/get": Call("GET", get_tags),
    "/cgi-bin/tags/members/batchtagging": Call("POST", put_tag),
    "/cgi-bin/tags/members/batchuntagging": Call("POST", take_tag),
    "/cgi-bin/tags/getidlist": Call("POST", tags_of),
}
