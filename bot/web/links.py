"""Make the addresses of our web pages for replies, and read the signed ones.

A signed address opens one subject for one officer, for a quarter of an hour, once WeChat has said that it is they who
open it. It names no person: only the officer's id and what it opens (``appeal:12``). One of OWN is for a person
(``conversation:12``), shows nothing about them, and is valid for a day: people come back to a message in the evening.
One of FOR_AN_HOUR names its subject (``offer:5``), lives for an hour, and its page asks WeChat who opens it.
One of PROVED_THERE names its subject (``pledge:12``, ``export:3``) and has no time of its own: it lives as long as
what it opens, which its page says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

LAST = timedelta(minutes=15)
OWN_LAST = timedelta(days=1)
HOUR_LAST = timedelta(hours=1)
# Kind -> path of a signed address.
PATHS = {
    "pictures": "/pictures/{token}",
    "picture": "/picture/{token}",
    "desk_picture": "/desk/picture/{token}",
    "card": "/cards/{token}",
    "point": "/points/{token}",
    "collection_card": "/collect/{token}",
    "subscribe": "/subscribe/{token}",
    "pay": "/pay/{token}",
    "order_pay": "/pay/orders/{token}",
    "export": "/mydata/{token}",
    "parcel": "/parcels/{token}",
    "thanks": "/thanks/{token}",
    "thanks_photo": "/thanks-photo/{token}",
    "order_photos": "/order-photos/{token}",
    "order_photo": "/order-photo/{token}",
    "preview": "/preview/{token}",
    "preview_photo": "/preview-photo/{token}",
    "reading": "/reading/{token}",
}
OWN = {"subscribe"}
FOR_AN_HOUR = {"parcel", "thanks", "thanks_photo", "order_photos", "order_photo", "preview", "preview_photo"}
# Opens nothing but the redirect to WeChat, which identifies the person.
PROVED_THERE = {"pay", "order_pay", "export"}
OPEN_PATHS = {
    "appeal": "/a/{what}",
    "listing": "/l/{what}",
    "notices": "/notices/{what}",
    "trace": "/trace/{what}",
    "ledger": "/ledger",
}
OPEN_PATHS |= {"figures": "/numbers/{what}"}
# The way in to the desk, which says itself who comes.
OPEN_PATHS |= {"desk": "/desk", "desk_phone": "/desk/phone"}


class DeadLink(Exception):
    """The address does not open. ``reason``: forged, or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """What a signed address opens. ``what``: ``appeal:12``. ``staff_id``: 0 for all but an officer's."""

    staff_id: int
    what: str

    @property
    def number(self) -> int:
        return int(self.what.partition(":")[2])


class _Signer(TimestampSigner):
    """A signer that uses the bot's clock, which the demo and tests move: who waited that long finds the link dead."""

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
        """Make the whole address. ``kind`` is one of PATHS or of OPEN_PATHS."""
        if kind in OPEN_PATHS:
            return self.root + OPEN_PATHS[kind].format(what=what)
        token = self._signer(kind).dumps([staff_id, what])
        return self.root + PATHS[kind].format(token=token if isinstance(token, str) else token.decode())

    def open(self, kind: str, what: str) -> str:
        """Make the whole address of a page that needs no officer; ``kind`` is one of OPEN_PATHS or PROVED_THERE."""
        if kind not in OPEN_PATHS and kind not in PROVED_THERE:
            raise KeyError(kind)
        return self.make(kind, what, 0)

    def read(self, kind: str, token: str) -> Grant:
        """Verify a token and return what it opens. Raises DeadLink."""
        last = OWN_LAST if kind in OWN else HOUR_LAST if kind in FOR_AN_HOUR else LAST
        most = None if kind in PROVED_THERE else int(last.total_seconds())
        try:
            staff_id, what = self._signer(kind).loads(token, max_age=most)
        except SignatureExpired:
            raise DeadLink("expired") from None
        except BadSignature:
            raise DeadLink("forged") from None
        return Grant(staff_id, what)

    def sign(self, kind: str, what: object) -> str:
        """Sign a value for a cookie; like a token, it is valid for this kind alone."""
        signed = self._signer(kind).dumps(what)
        return signed if isinstance(signed, str) else signed.decode()

    def unsign(self, kind: str, signed: str, last: timedelta) -> object:
        """Verify a signed value that is at most ``last`` old, and return it. Raises BadSignature."""
        found: object = self._signer(kind).loads(signed, max_age=int(last.total_seconds()))
        return found

    def _signer(self, kind: str) -> URLSafeTimedSerializer:
        # A token of one kind opens nothing of another.
        return URLSafeTimedSerializer(
            self._secret, salt=f"bangfu.{kind}", signer=_Signer, signer_kwargs={"clock": self._clock}
        )
