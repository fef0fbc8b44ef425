"""Query the authorities' registry over HTTP, one person at a time; a late or malformed answer counts as none.

The question is ``{"id_number": …, "name": …}``, the answer ``{"result", "status", "source", "as_of"}``. An
answer that is malformed in any way counts as none: a person's status must not depend on a guess. Failures are
logged by kind; question and answer never are.
"""

import time
from datetime import UTC, date, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Annotated, Literal, Self

import requests
import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from bot.registry.breaker import Breaker
from models.verification.registry import UNAVAILABLE, Finding

log = structlog.get_logger()

# Seconds to connect and to answer.
TIMEOUT = (3.0, 8.0)
# A query changes nothing, so it is retried even if its outcome is unknown: at once, then with pauses.
TRIES = 3
BUSY = (429, 500, 502, 503, 504)
LARGEST_ANSWER = 64 * 1024
_CHUNK = 16 * 1024


class Unusable(Exception):
    """There is no valid answer. ``kind``: a constant word or a class's name, never anything that was sent."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("unprintable")
    return text


def _not_to_come(day: date) -> date:
    # One day of tolerance: by the registry's clock it may be tomorrow already.
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise ValueError("to come")
    return day


_Day = Annotated[date, AfterValidator(_not_to_come)]
_Status = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]
_Source = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_printable)]


class _Answer(BaseModel):
    """The registry's answer. A match needs every field; any other result may lack them."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    result: Literal["match", "name_mismatch", "not_found", "unavailable"]
    status: _Status | None = None
    source: _Source | None = None
    as_of: _Day | None = None

    @model_validator(mode="after")
    def be_whole(self) -> Self:
        if self.result == "match" and None in (self.status, self.source, self.as_of):
            raise ValueError("a match without its standing")
        return self

    @property
    def finding(self) -> Finding:
        status = self.status if self.result == "match" else None
        return Finding(self.result, status, self.source, self.as_of)


def open_session(pause: float) -> requests.Session:
    """Open a session without cookies and without settings of the environment; ``pause``: backoff factor, in seconds."""
    retry = Retry(
        total=TRIES - 1,
        status_forcelist=BUSY,
        allowed_methods={"POST"},
        backoff_factor=pause,
        backoff_jitter=pause,
        # Retry-After may name hours, and a job would wait for it.
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


class HttpRegistry:
    """The registry over HTTP. ``timeout``: see TIMEOUT; ``pause``: see ``open_session``."""

    def __init__(
        self,
        url: str,
        token: SecretStr,
        breaker: Breaker,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        pause: float = 0.5,
    ) -> None:
        self._url, self._token, self._breaker, self._timeout = url, token, breaker, timeout
        self._http = open_session(pause)

    def close(self) -> None:
        self._http.close()

    def look_up(self, id_number: str, name: str) -> Finding:
        """Look a person up; while the breaker is open, return ``unavailable`` without a query."""
        if not self._breaker.may_call():
            return UNAVAILABLE
        try:
            finding = self._read(self._ask({"id_number": id_number, "name": name}))
        except Unusable as failure:
            log.warning("registry.no_answer", kind=failure.kind)
            finding = UNAVAILABLE
        if finding.result == UNAVAILABLE.result:
            self._breaker.failed()
        else:
            self._breaker.worked()
        return finding

    def _ask(self, question: dict[str, str]) -> bytes:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        try:
            with self._http.post(
                self._url, json=question, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                status, body = response.status_code, self._body(response)
        except (requests.RequestException, HTTPError, ValueError) as error:
            failure = Unusable(type(error).__name__)
        else:
            if status == requests.codes.ok:
                return body
            failure = Unusable(f"status_{status}")
        # Raised outside the handler: the library's own error quotes the question, and must not be chained to ours.
        raise failure

    def _body(self, response: requests.Response) -> bytes:
        deadline, body = time.monotonic() + sum(self._timeout), bytearray()
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise requests.exceptions.ContentDecodingError
            if time.monotonic() > deadline:
                raise requests.ReadTimeout
        return bytes(body)

    @staticmethod
    def _read(body: bytes) -> Finding:
        try:
            return _Answer.model_validate_json(body).finding
        except ValidationError:
            failure = Unusable("odd_answer")
        raise failure
