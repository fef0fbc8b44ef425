"""Customer-service messages: to whom the account may write, and what."""

from typing import Any

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.push import read_push
from bot.simulator.simulator import Simulator

COMMANDS = {"Typing": True, "CancelTyping": False}


def send(simulator: Simulator) -> Answer:
    given = body()
    openid = _follower(simulator, given)
    kind, content = read_push(given, simulator.media)
    if kind == "msgmenu" and simulator.options.test_account:
        raise ApiError(40200)
    simulator.windows.use(openid)
    simulator.push(openid, kind, content)
    return OK


def typing(simulator: Simulator) -> Answer:
    given = body()
    openid = _follower(simulator, given)
    command = given.get("command")
    if not isinstance(command, str) or command not in COMMANDS:
        raise ApiError(45072)
    simulator.windows.type(openid, COMMANDS[command])
    return OK


def _follower(simulator: Simulator, given: dict[str, Any]) -> str:
    """Who follows and lets the account write. Somebody who has left falls under the same error as a closed window.

    Raises ApiError 40003, 43004, 45015, 43019, 48002.
    """
    openid = str(given.get("touser"))
    if not simulator.crowd.knows(openid):
        raise ApiError(40003)
    if not simulator.crowd.is_following(openid):
        raise ApiError(45015 if simulator.crowd.has_met(openid) else 43004)
    if simulator.people.is_blacklisted(openid):
        raise ApiError(43019)
    if simulator.people.is_refusing(openid):
        raise ApiError(48002)
    return openid


CALLS: Calls = {
    "/cgi-bin/message/custom/send": Call("POST", send, quota="custom_send"),
    "/cgi-bin/message/custom/typing": Call("POST", typing),
}
