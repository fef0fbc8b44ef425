"""Keep the desk's doors: the cookies of a browser, the token that each of its forms carries, and who is signed in."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from flask import Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.body import read_body
from models.desk.session import LASTS, DeskSession, find_session
from models.desk.sign_in import LASTS as CODE_LASTS
from models.desk.sign_in import has_desk
from models.staff.member import Staff

LARGEST_FORM = 1024
# The form of our tokens; another value in a cookie counts as none.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SESSION, _BROWSER = "bangfu_desk", "bangfu_desk_code"


class NotSignedIn(Exception):
    """Nobody is signed in in this browser, or not any more."""


class NotOurForm(Exception):
    """The form was not made by us for this browser, or too long ago; or it came over plain http in production."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is signed in. ``csrf``: what each form on the page carries."""

    db: Session
    session: DeskSession
    staff: Staff
    csrf: str


class DeskGuard:
    """``secure``: the desk is reached by https, and by nothing else."""

    def __init__(self, database: Engine, secret: str, secure: bool, clock: Callable[[], datetime]) -> None:
        self.database, self.clock = database, clock
        self._secret, self._secure = secret.encode(), secure
        # A browser takes such a cookie from this very host and over https alone, so that no other can plant one.
        self._prefix = "__Host-" if secure else ""

    @contextmanager
    def seat(self) -> Iterator[Seat]:
        """Open a transaction for who is signed in in this browser, and commit it. Raises NotSignedIn."""
        token = self._cookie(_SESSION)
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            found = find_session(db, token, self.clock()) if token else None
            if found is None or not has_desk(found[1], self.clock()):
                raise NotSignedIn
            yield Seat(db, *found, self.csrf(token))

    def is_signed_in(self) -> bool:
        try:
            with self.seat():
                return True
        except NotSignedIn:
            return False

    def browser_token(self) -> str:
        """Return the token of this browser, by which it may show a code; empty where it has none."""
        return self._cookie(_BROWSER)

    def csrf(self, token: str) -> str:
        """Return what a form carries that was made for the browser which holds this token."""
        return hmac.new(self._secret, f"bangfu.desk.form:{token}".encode(), hashlib.sha256).hexdigest()

    def demand_form(self, *, signed_in: bool) -> None:
        """Raises NotOurForm unless the form that was sent is of this browser. SameSite=Strict is the other lock."""
        token = self._cookie(_SESSION if signed_in else _BROWSER)
        form = parse_qs(read_body(LARGEST_FORM).decode("ascii", "replace"))
        given = form.get("csrf", [""])[0].encode("utf-8", "replace")
        if not token or not hmac.compare_digest(self.csrf(token).encode(), given):
            raise NotOurForm

    def demand_https(self) -> None:
        """Raises NotOurForm where our proxy says that the request came over plain http."""
        if self._secure and request.headers.get("X-Forwarded-Proto", "https") != "https":
            raise NotOurForm

    def keep_session(self, response: Response, token: str) -> Response:
        self._keep(response, _SESSION, token, LASTS)
        self._drop(response, _BROWSER)
        return response

    def keep_browser(self, response: Response, token: str) -> Response:
        self._keep(response, _BROWSER, token, 2 * CODE_LASTS)
        return response

    def forget_session(self, response: Response) -> Response:
        self._drop(response, _SESSION)
        return response

    def _cookie(self, name: str) -> str:
        token = request.cookies.get(self._prefix + name, "")
        return token if _TOKEN.fullmatch(token) else ""

    def _keep(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            self._prefix + name,
            value,
            max_age=lasts,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Strict",
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(self._prefix + name, path="/", secure=self._secure, httponly=True, samesite="Strict")
