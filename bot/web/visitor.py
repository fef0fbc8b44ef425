"""Identify through WeChat who opened a page, and remember them for an hour in a signed cookie.

The address of such a page opens nothing by itself: it leads to WeChat and back, and only the person it was made for
sees it. The redirect is bound to one browser and one page: ``state`` is an HMAC over the page's path and a nonce that
only that browser's cookie holds.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Response, request
from itsdangerous import BadSignature
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.web.links import Links
from bot.web.pages import guarded
from bot.wechat.oauth import WebAuthorization
from bot.wechat.policy import Action, Unreachable, WeChatError
from models.core.database import own_account
from models.people.conversation import Conversation

log = structlog.get_logger()

REMEMBERED = timedelta(hours=1)
_BACK_WITHIN = timedelta(minutes=10)
_WHO, _SENT = "bangfu_visitor", "bangfu_sent"
_NONCE = re.compile(r"[0-9a-f]{32}")

IsTheirs = Callable[[Session, Conversation], bool]
"""Whether the page is for the person of this conversation."""


class VisitRefused(Exception):
    """Another page is shown instead. ``reason`` selects its words: again, later, snapshot or not_yours."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class Visitors:
    def __init__(self, database: Engine, links: Links, authorization: WebAuthorization, secret: str) -> None:
        self._database, self._links, self._authorization, self._secret = database, links, authorization, secret
        self._secure = links.root.startswith("https://")

    def redirect(self, path: str, is_theirs: IsTheirs) -> Response | None:
        """Return the answer to a visitor who is not identified yet, a redirect; None once the page may be shown.

        ``path``: of the page, without parameters. Raises VisitRefused.
        """
        if code := request.args.get("code"):
            return self._take_back(path, code, is_theirs)
        return None if self.find(is_theirs) else self._send(path)

    def find(self, is_theirs: IsTheirs) -> Conversation | None:
        """Return the visitor's conversation if WeChat identified them within the hour and the page is theirs."""
        try:
            found = self._links.unsign("visitor", request.cookies.get(_WHO, ""), REMEMBERED)
        except BadSignature:
            return None
        with Session(self._database, expire_on_commit=False) as db:
            conversation = db.get(Conversation, found) if isinstance(found, int) else None
            # Who has given the phone to another is not the one who looks at it now.
            if conversation is None or conversation.parked_openid is not None:
                return None
            ours = own_account(db) in ("", conversation.account)
            return conversation if ours and is_theirs(db, conversation) else None

    def _send(self, path: str) -> Response:
        """Redirect to WeChat, which sends the browser back with a one-time code."""
        kept = request.cookies.get(_SENT, "")
        nonce = kept if _NONCE.fullmatch(kept) else secrets.token_hex(16)
        response = guarded(Response(status=302))
        address = self._authorization.authorize_url(self._links.root + path, self._mark(path, nonce))
        response.headers["Location"] = address
        self._keep(response, _SENT, nonce, _BACK_WITHIN)
        return response

    def _take_back(self, path: str, code: str, is_theirs: IsTheirs) -> Response:
        """Take the one-time code with which WeChat sent the visitor back, and redirect to the page without it."""
        if not self._came_back(path, request.args.get("state", "")):
            raise VisitRefused("again")
        try:
            visitor = self._authorization.identify(code)
        except WeChatError as error:
            log.warning("visitor.not_identified", code=error.code)
            restart = error.action is Action.RESTART_OAUTH
            raise VisitRefused("again" if restart else "later", 403 if restart else 503) from None
        except Unreachable:
            raise VisitRefused("later", 503) from None
        if visitor.is_snapshot:
            raise VisitRefused("snapshot")
        with Session(self._database) as db:
            known = select(Conversation).where(Conversation.openid == visitor.openid)
            if account := own_account(db):
                known = known.where(Conversation.account == account)
            theirs = db.scalars(known)
            number = next((each.id for each in theirs if is_theirs(db, each)), None)
        if number is None:
            raise VisitRefused("not_yours")
        response = guarded(Response(status=303, headers={"Location": path}))
        self._keep(response, _WHO, self._links.sign("visitor", number), REMEMBERED)
        return response

    def _came_back(self, path: str, state: str) -> bool:
        """Tell whether this browser was sent to WeChat from this page."""
        nonce = request.cookies.get(_SENT, "")
        return bool(_NONCE.fullmatch(nonce)) and hmac.compare_digest(
            self._mark(path, nonce).encode(), state.encode("utf-8", "replace")
        )

    def _mark(self, path: str, nonce: str) -> str:
        told = f"bangfu.visitor.state:{nonce}:{path}"
        return hmac.new(self._secret.encode(), told.encode(), hashlib.sha256).hexdigest()

    def _keep(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=lasts,
            path="/",
            secure=self._secure,
            httponly=True,
            # WeChat's page sends the browser back here, so not Strict; with Lax no other site can post with the cookie.
            samesite="Lax",
        )
