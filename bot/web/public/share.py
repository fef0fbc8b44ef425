"""Sign the page of an appeal or a listing for WeChat's sharing card, at ``/a/<number>/card?url=…`` and at
``/l/<number>/card?url=…``.

The page is the same bytes for everybody and kept by caches, while a signature is for one exact address, to which WeChat
adds parameters when a page is shared. So the page's script, inside WeChat, asks here for its own address's. Source: the
JS-SDK page, "updateAppMessageShareData" and appendix 1.
"""

import re
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Links
from bot.web.pages import Pages, guarded
from bot.web.public.appeal import page_number
from bot.web.rate_limit import RateLimit
from bot.web.scripts import Script
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.ticket import Signed
from models.public.appeal_page import is_open
from models.public.listing_page import is_open as is_listing_open

log = structlog.get_logger()

# Signatures that one address may have in an hour: a carrier has many phones behind it.
MOST_SIGNED = 600
# What WeChat adds, and nothing that would end the address.
_ADDED = r'(\?[!"$-~]{0,400})?'


def share_script(pages: Pages) -> Script:
    return Script("share", pages.file("public/share.js").encode())


def share_card(
    database: Engine, links: Links, sign: Callable[[str], Signed], asked: RateLimit, clock: Callable[[], datetime]
) -> Blueprint:
    """Make the routes. They sign addresses of the thing's own page alone, and only while that page is open."""
    blueprint = Blueprint("share", __name__)

    @blueprint.get("/a/<said>/card")
    def card(said: str) -> Response:
        return sign_for("appeal", said, lambda db, number: is_open(db, number, clock()))

    @blueprint.get("/l/<said>/card")
    def of_listing(said: str) -> Response:
        return sign_for("listing", said, is_listing_open)

    def sign_for(kind: str, said: str, is_there: Callable[[Session, int], bool]) -> Response:
        number, address = page_number(said), request.args.get("url", "")
        if number is None or not re.fullmatch(re.escape(links.open(kind, str(number))) + _ADDED, address):
            return guarded(Response(status=404))
        if asked.used_up(request):
            return guarded(Response(status=429))
        asked.count(request)
        with Session(database) as db:
            if not is_there(db, number):
                return guarded(Response(status=404))
        try:
            signed = sign(address)
        except (WeChatError, Unreachable) as error:
            log.warning("share.not_signed", error=type(error).__name__)
            return guarded(Response(status=503))
        facts = {"timestamp": signed.timestamp, "nonceStr": signed.nonce, "signature": signed.signature}
        return guarded(jsonify(appId=signed.app_id, **facts))

    return blueprint
