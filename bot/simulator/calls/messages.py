"""Customer-service messages: to whom the account may write, and what."""

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.push import read_push
from bot.simulator.simulator import Simulator


def send(simulator: Simulator) -> Answer:
    given = body()
    openid = str(given.get("touser"))
    if not simulator.crowd.knows(openid):
        raise ApiError(40003)
    if not simulator.crowd.is_following(openid):
        raise ApiError(43004)
    kind, content = read_push(given, simulator.media)
    simulator.push(openid, kind, content)
    return OK


CALLS: Calls = {
    "/cgi-bin/message/custom/send": Call("POST", send, quota="custom_send"),
}
