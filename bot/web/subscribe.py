"""Serve the page with WeChat's button for consent to subscription messages, signed for exactly this address.

Nothing personal is on it, and each reader answers for themselves: the answer comes from WeChat as an event
(handlers/notifications/subscribe.py), never from the page. Sources: doc/service/Subscription_Messages/intro.html;
doc/offiaccount/OA_Web_Apps/Wechat_Open_Tag.html, also for what the tag needs of the page's policy.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import DeadLink, Links
from bot.web.pages import Pages
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.ticket import Signed
from models.notifications.subscription import SubscriptionTemplates, templates_to_ask_for
from models.people.conversation import Conversation
from models.staff.member import find_staff

log = structlog.get_logger()

SDK = "/open/js/jweixin-1.6.0.js"
WECHAT_SDK = f"https://res.wx.qq.com{SDK}"
SCRIPT = "/subscribe.js"


def subscribe_page(
    database: Engine,
    pages: Pages,
    links: Links,
    clock: Callable[[], datetime],
    templates: SubscriptionTemplates,
    sign: Callable[[str], Signed],
    sdk: str,
) -> Blueprint:
    """Serve ``/subscribe/<token>`` for one person, for a day. ``sdk``: the URL of WeChat's JS-SDK.

    ``sign`` may raise WeChatError or Unreachable; then another page says so.
    """
    blueprint = Blueprint("subscribe", __name__)
    source = urlsplit(sdk)
    tag = f"; script-src 'self' {source.scheme}://{source.netloc}; frame-src https://*.qq.com webcompt:"

    @blueprint.get("/subscribe/<token>")
    def show(token: str) -> Response:
        try:
            grant = links.read("subscribe", token)
        except DeadLink as dead:
            return pages.show("notifications/subscribe_gone", 403, reason=dead.reason)
        with Session(database) as db:
            ids = _wanted(db, grant.number, templates, clock())
        if not ids:
            return pages.show("notifications/subscribe_gone", reason="nothing" if templates.ids else "off")
        try:
            signed = sign(links.root + request.full_path.rstrip("?"))
        except (WeChatError, Unreachable) as error:
            log.warning("subscribe.not_signed", error=type(error).__name__)
            return pages.show("notifications/subscribe_gone", 503, reason="later")
        cards = {templates.card_of(template_id): template_id for template_id in ids}
        lasting = templates.for_good.issuperset(cards)
        response = pages.show(
            "notifications/subscribe", cards=cards, lasting=lasting, signed=signed, sdk=sdk, script=SCRIPT
        )
        response.headers["Content-Security-Policy"] += tag
        return response

    @blueprint.get(SCRIPT)
    def script() -> Response:
        response = Response(pages.file("notifications/subscribe.js"), mimetype="text/javascript")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blueprint


def _wanted(db: Session, conversation_id: int, templates: SubscriptionTemplates, now: datetime) -> list[str]:
    """Return the template ids that the person can still consent to: they may have answered since the link was made."""
    person = db.get(Conversation, conversation_id)
    if person is None:
        return []
    staff = find_staff(db, person.account, person.openid, now) is not None
    return templates_to_ask_for(db, person.id, templates, staff=staff)
