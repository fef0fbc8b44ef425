"""Who it is that would pay: proved by WeChat, and remembered for an hour in a cookie that names a conversation's row.

The way there and back is bound to one browser and one page: the ``state`` that comes back is a mark of both, and only
the browser that was sent has the other half.
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


class Payers:
    def __init__(self, links: Links, secret: str, clock: Callable[[], datetime]) -> None:
        self._links, self._secret, self._clock = links, secret, clock
        self._secure = links.root.startswith("https://")

    def send(self, response: Response, token: str) -> str:
        """The ``state`` of a way that begins at the page of this token; the response keeps the other half."""
        kept = request.cookies.get(_SENT, "")
        nonce = kept if _NONCE.fullmatch(kept) else secrets.token_hex(16)
        self._keep(response, _SENT, nonce, _BACK_WITHIN)
        return self._mark(token, nonce)

    def came_back(self, token: str, state: str) -> bool:
        """Is this the browser that was sent from this page?"""
        nonce = request.cookies.get(_SENT, "")
        return bool(_NONCE.fullmatch(nonce)) and hmac.compare_digest(
            self._mark(token, nonce).encode(), state.encode("utf-8", "replace")
        )

    def remember(self, response: Response, conversation_id: int) -> None:
        self._keep(response, _WHO, self._links.sign("payer", conversation_id), REMEMBERED)

    def conversation(self) -> int | None:
        """Whose browser this is, if WeChat has said so lately."""
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
            # WeChat's own page sends the browser back here, so not strict; no other page can post in its name.
            samesite="Lax",
        )


def conversation_of(db: Session, pledge: Pledge, openid: str) -> int | None:
    """The conversation in which this person is the pledge's donor."""
    theirs = (Conversation.openid == openid) & (Conversation.user_id == pledge.donor_id)
    return db.scalar(select(Conversation.id).where(theirs))


def is_donors(db: Session, pledge: Pledge, conversation_id: int) -> Conversation | None:
    found = db.get(Conversation, conversation_id)
    return found if found is not None and found.user_id == pledge.donor_id else None
