"""Goods are handed out in the chat: the steps that several tests take."""

from tests.harness.platform import wechat
from tests.scenes.handover import Handover

PHOTO = "http://127.0.0.1/p.jpg"


def photo(handover: Handover, name: str) -> str:
    """Send a photo as this person. Returns the reply."""
    fields = {"PicUrl": PHOTO, "MediaId": f"media-{handover.stage.turns_taken}"}
    return handover.stage.deliver(wechat.message("image", f"o-{name}", **fields))[1]


def collect(handover: Handover, digits: str, keeper: str = "keeper") -> str:
    """Hand out by the digits, with a photo. Returns the last reply."""
    reply = handover.say(keeper, f"领走 {digits}")
    if "请先拍" in reply:
        photo(handover, keeper)
        handover.say(keeper, "完成")
        reply = handover.say(keeper, "确认")
    return reply
