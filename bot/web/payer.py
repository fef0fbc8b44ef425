"""Identify the payer through WeChat, and remember them for an hour in a signed cookie with the conversation's id.

The redirect to WeChat and back is bound to one browser and one page: ``state`` is an HMAC over the page's token and
a nonce that only that browser's cookie holds.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Response, request
from itsdangerous import BadSignature
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.web.links import Links
from models.giving.pledge import Pledge
from models.people.conversation import Conversation

REMEMBERED = timedelta(hours=1)
_BACK_WITHIN = timedelta(minutes=10)
_WHO, _SENT = "bangfu_payer", "bangfu_sent"
_PATH = "/pay"
_NONCE = re.compile(r"[0-9a-f]{32}")


class PayerCookies:
    def __init__(self, links: Links, secret: str, clock: Callable[[], datetime]) -> None:
        self._links, self._secret, self._clock = links, secret, clock
        self._secure = links.root.startswith("https://")

    def send(self, response: Response, token: str) -> str:
        """Return the ``state`` for a redirect from the page of this token; set the nonce's cookie on the response."""
        kept = request.cookies.get(_SENT, "")
        nonce = kept if _NONCE.fullmatch(kept) else secrets.token_hex(16)
        self._keep(response, _SENT, nonce, _BACK_WITHIN)
        return self._mark(token, nonce)

    def came_back(self, token: str, state: str) -> bool:
        """Tell whether this browser was sent to WeChat from this page."""
        nonce = request.cookies.get(_SENT, "")
        return bool(_NONCE.fullmatch(nonce)) and hmac.compare_digest(
            self._mark(token, nonce).encode(), state.encode("utf-8", "replace")
        )

    def remember(self, response: Response, conversation_id: int) -> None:
        self._keep(response, _WHO, self._links.sign("payer", conversation_id), REMEMBERED)

    def conversation(self) -> int | None:
        """Return the conversation's id that WeChat has identified within the hour, else None."""
        try:
            found = self._links.unsign("payer", request.cookies.get(_WHO, ""), REMEMBERED)
        except BadSignature:
            return None
        return found if isinstance(found, int) else None

    def _mark(self, token: str, nonce: str) -> str:
        told = f"bangfu.pay.state:{nonce}:{token}"
        return hmac.new(self._secret.encode(), told.encode(), hashlib.sha256).hexdigest()

    def _keep(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=lasts,
            path=_PATH,
            secure=self._secure,
            httponly=True,
            # WeChat's page sends the browser back here, so not Strict; with Lax no other site can post with the cookie.
            samesite="Lax",
        )


def conversation_of(db: Session, pledge: Pledge, openid: str) -> int | None:
    """Return the id of the conversation in which this openid is the pledge's donor, else None."""
    theirs = (Conversation.openid == openid) & (Conversation.user_id == pledge.donor_id)
    return db.scalar(select(Conversation.id).where(theirs))


def is_donors(db: Session, pledge: Pledge, conversation_id: int) -> Conversation | None:
    found = db.get(Conversation, conversation_id)
    return found if found is not None and found.user_id == pledge.donor_id else None
