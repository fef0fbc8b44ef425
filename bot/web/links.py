"""Addresses of our web pages as they stand in a reply, and the signed ones read again.

A signed address opens one thing for one member of staff, for a quarter of an hour. It names no person: only the row
of the staff member, and what it opens (``appeal:12``). One of OWN opens for whoever talked (``conversation:12``) what
shows nothing about them, and lives for a day: people come back to a message in the evening. So does one of
PROVED_THERE, which names what it is for (``pledge:12``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

LAST = timedelta(minutes=15)
OWN_LAST = timedelta(days=1)
# Kind -> path. ``{token}`` is signed for whoever asked; ``{what}`` is a page for everybody.
PATHS = {
    "pictures": "/pictures/{token}",
    "picture": "/picture/{token}",
    "card": "/cards/{token}",
    "subscribe": "/subscribe/{token}",
    "pay": "/pay/{token}",
}
OWN = {"subscribe"}
# Opens for whoever has it nothing but the way to WeChat, which says who they are.
PROVED_THERE = {"pay"}
OPEN_PATHS = {"notices": "/notices/{what}", "trace": "/trace/{what}", "ledger": "/ledger"}


class DeadLink(Exception):
    """``reason``: forged, or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """``what``: subject and number, ``appeal:12``. ``staff_id`` is 0 for one of OWN or of PROVED_THERE."""

    staff_id: int
    what: str

    @property
    def number(self) -> int:
        return int(self.what.partition(":")[2])


class _Signer(TimestampSigner):
    """Tells the time by our clock, which tests move."""

    default_digest_method = staticmethod(sha256)

    def __init__(self, *args: Any, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(*args, **more)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock().timestamp())


class Links:
    def __init__(self, public_url: str, secret: str, clock: Callable[[], datetime]) -> None:
        self.root = public_url.rstrip("/")
        self._secret = secret
        self._clock = clock

    def make(self, kind: str, what: str, staff_id: int) -> str:
        """The whole address. ``kind`` is one of PATHS or of OPEN_PATHS."""
        if kind in OPEN_PATHS:
            return self.root + OPEN_PATHS[kind].format(what=what)
        token = self._signer(kind).dumps([staff_id, what])
        return self.root + PATHS[kind].format(token=token if isinstance(token, str) else token.decode())

    def open(self, kind: str, what: str) -> str:
        """The whole address of a page for everybody; ``kind`` is one of OPEN_PATHS."""
        return self.root + OPEN_PATHS[kind].format(what=what)

    def read(self, kind: str, token: str) -> Grant:
        """Raises DeadLink."""
        last = OWN_LAST if kind in OWN | PROVED_THERE else LAST
        try:
            staff_id, what = self._signer(kind).loads(token, max_age=int(last.total_seconds()))
        except SignatureExpired:
            raise DeadLink("expired") from None
        except BadSignature:
            raise DeadLink("forged") from None
        return Grant(staff_id, what)

    def sign(self, kind: str, what: object) -> str:
        """Something for a browser to keep; of this kind alone, like a token."""
        signed = self._signer(kind).dumps(what)
        return signed if isinstance(signed, str) else signed.decode()

    def unsign(self, kind: str, signed: str, last: timedelta) -> object:
        """Raises BadSignature."""
        found: object = self._signer(kind).loads(signed, max_age=int(last.total_seconds()))
        return found

    def _signer(self, kind: str) -> URLSafeTimedSerializer:
        # A token of one kind opens nothing of another.
        return URLSafeTimedSerializer(
            self._secret, salt=f"bangfu.{kind}", signer=_Signer, signer_kwargs={"clock": self._clock}
        )
