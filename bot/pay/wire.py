"""Make one call to the pay platform: sign it, limit its time, and prove the answer before it is read.

Every call is idempotent by the caller's number, so a call whose connection breaks is retried at once, freshly
signed. A call that times out is not: the payer or the job has waited enough.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Late

from bot.pay.errors import BadAnswer, Refused, Unreachable
from bot.pay.signatures import Flaw, PlatformKeys, Signer, Unproved

# Seconds to connect, and to answer.
TIMEOUT = (3.0, 10.0)
# A call whose connection breaks is made this often.
TRIES = 2
LARGEST_ANSWER = 256 * 1024
CHUNK = 64 * 1024
AGENT = "bangfu/0.1 python-requests"
Got = TypeVar("Got")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{1,80}")
_TAKEN = {requests.codes.ok, requests.codes.no_content}


class Breaker(Protocol):
    """A circuit breaker as in bot.registry.breaker: while the platform is down, no call waits for it."""

    def may_call(self) -> bool: ...
    def worked(self) -> None: ...
    def failed(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``call``: its name in errors and logs. ``path``: with its query, percent-encoded."""

    call: str
    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)


def open_session(connections: int = 64) -> requests.Session:
    """Open a pooled session, safe to share between threads: no cookies, no retries, no settings of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=0))
    return session


class Wire:
    """Makes calls; safe to share between threads. ``clock`` gives the real time."""

    def __init__(
        self,
        api_url: str,
        signer: Signer,
        keys: PlatformKeys,
        http: requests.Session,
        clock: Callable[[], datetime],
        timeout: tuple[float, float],
        breaker: Breaker | None,
    ) -> None:
        self._api_url, self._signer, self._keys, self._http = api_url.rstrip("/"), signer, keys, http
        self._clock, self._timeout, self._breaker = clock, timeout, breaker

    def ask(self, request: Request) -> bytes:
        """Make a call and return the proved answer's JSON; empty if the answer has no body.

        Raises Unreachable, Refused or BadAnswer.
        """
        return self._guarded(request, lambda response: self._proved(request.call, response))

    def download(self, request: Request, take: Callable[[bytes], None], seconds: float) -> None:
        """Pass the answer to ``take`` piece by piece. It is not signed, so the caller must check it as a whole.

        Made once, since pieces of a first try cannot be taken back. Raises as ``ask`` does.
        """

        def read(response: requests.Response) -> None:
            if response.status_code != requests.codes.ok:
                self._proved(request.call, response)
                raise BadAnswer(request.call, f"status {response.status_code}", _request_id(response))
            for piece in _pieces(response, time.monotonic() + seconds):
                take(piece)

        self._guarded(request, read, tries=1)

    def _guarded(self, request: Request, read: Callable[[requests.Response], Got], tries: int = TRIES) -> Got:
        if self._breaker and not self._breaker.may_call():
            raise Unreachable(request.call, "left in peace for a while", False)
        reached = True
        try:
            return self._tried(request, read, tries)
        except Unreachable:
            reached = False
            raise
        finally:
            if self._breaker:
                (self._breaker.worked if reached else self._breaker.failed)()

    def _tried(self, request: Request, read: Callable[[requests.Response], Got], tries: int) -> Got:
        left, unknown = tries, False
        while True:
            try:
                with self._sent(request) as response:
                    return read(response)
            except (requests.RequestException, HTTPError) as error:
                left -= 1
                again = left > 0 and _is_broken(error)
                unknown = unknown or not _never_left(error)
                failure = Unreachable(request.call, type(error).__name__, unknown)
            if not again:
                # Outside the handler: the library's own error quotes URL and body, and must not be chained to ours.
                raise failure

    @contextmanager
    def _sent(self, request: Request) -> Iterator[requests.Response]:
        body = b"" if request.body is None else json.dumps(request.body, ensure_ascii=False).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": AGENT}
        headers["Accept-Encoding"] = "identity"  # the signature is over what is sent
        if self._keys.asked_for:
            headers["Wechatpay-Serial"] = self._keys.asked_for
        prepared = self._http.prepare_request(
            requests.Request(request.method, f"{self._api_url}{request.path}", headers=headers, data=body or None)
        )
        # Signed as it is sent: requests normalises some URLs.
        signed = self._signer.authorization(request.method, prepared.path_url, body, self._clock())
        prepared.headers["Authorization"] = signed
        # A redirect would carry the signature to another host, so none is followed.
        with self._http.send(prepared, timeout=self._timeout, stream=True, allow_redirects=False) as response:
            yield response

    def _proved(self, call: str, response: requests.Response) -> bytes:
        status, request_id = response.status_code, _request_id(response)
        body = bytearray()
        for piece in _pieces(response, time.monotonic() + sum(self._timeout)):
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise BadAnswer(call, "too large", request_id)
        return self._judged(call, status, request_id, bytes(body), self._flaw(response, bytes(body)))

    def _judged(self, call: str, status: int, request_id: str, body: bytes, flaw: Flaw | None) -> bytes:
        if flaw and status >= requests.codes.server_error:
            raise Unreachable(call, f"status {status}", True)  # a gateway's answer, not the platform's
        code = _code(body)
        if flaw and status in {requests.codes.unauthorized, requests.codes.too_many_requests} and code:
            # These two are not signed, as the platform has not identified us; neither makes us take an order as paid.
            raise Refused(call, code, status, request_id)
        if flaw:
            raise BadAnswer(call, f"not proved: {flaw}", request_id)
        if status in _TAKEN:
            return body
        if code is None:
            raise BadAnswer(call, f"status {status} without a code", request_id)
        raise Refused(call, code, status, request_id)

    def _flaw(self, response: requests.Response, body: bytes) -> Flaw | None:
        try:
            self._keys.prove(response.headers, body, self._clock())
        except Unproved as unproved:
            return unproved.flaw
        return None


def _pieces(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """Yield what has arrived, not full chunks: waiting for a full one could exceed the deadline."""
    while piece := response.raw.read1(CHUNK, decode_content=False):
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
        yield piece


def _code(body: bytes) -> str | None:
    """Return the platform's error code, or None; its message may quote what was sent, and is not read."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _request_id(response: requests.Response) -> str:
    found = response.headers.get("Request-ID", "")
    return found if _REQUEST_ID.fullmatch(found) else ""


def _is_broken(error: Exception) -> bool:
    """Tell whether the connection broke, other than by a time-out."""
    return isinstance(error, requests.ConnectionError | HTTPError) and not isinstance(error, requests.Timeout | Late)


def _never_left(error: Exception) -> bool:
    """Tell whether the request was certainly not sent: no connection, or refused on this machine (a ValueError)."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectTimeout | ValueError) or isinstance(reason, NewConnectionError)
