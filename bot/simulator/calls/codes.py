"""The account's QR codes, and their pictures."""

from flask import Response, request

from bot.simulator.calls.base import Answer, Call, Calls, body
from bot.simulator.codes import DeadCode, picture
from bot.simulator.simulator import Simulator


def create(simulator: Simulator) -> Answer:
    code, seconds = simulator.codes.create(body())
    life = {"expire_seconds": seconds} if seconds else {}
    return {"ticket": code.ticket, **life, "url": code.url}


def show(simulator: Simulator) -> Answer:
    """The platform has this at mp.weixin.qq.com, without a token; what it has no picture of is 404."""
    try:
        code = simulator.codes.find(request.args.get("ticket", ""))
    except DeadCode:
        return Response(status=404)
    return Response(picture(code), mimetype="image/png")


CALLS: Calls = {
    "/cgi-bin/qrcode/create": Call("POST", create, quota="qrcode_create"),
    "/cgi-bin/showqrcode": Call("GET", show, open=True),
}
