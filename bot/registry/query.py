"""The authorities' registry over HTTP: one question per person, answered in time and to the letter, or not at all.

The question is ``{"id_number": …, "name": …}``, the answer ``{"result", "status", "source", "as_of"}``. An
answer that is odd in any way counts as none: nobody's standing hangs on a guess. What went wrong is logged by
its kind; question and answer never are.
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
# Asking twice changes nothing, so even a question whose fate is unknown is asked again: at once, then with pauses.
TRIES = 3
BUSY = (429, 500, 502, 503, 504)
LARGEST_ANSWER = 64 * 1024
_CHUNK = 16 * 1024


class Unusable(Exception):
    """No answer that counts. ``kind`` is a constant word or a class's name, never anything that was sent."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("unprintable")
    return text


def _not_to_come(day: date) -> date:
    # Where it is kept, it may be tomorrow already.
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise ValueError("to come")
    return day


_Day = Annotated[date, AfterValidator(_not_to_come)]
_Status = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]
_Source = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_printable)]


class _Answer(BaseModel):
    """A match says everything; of anything else, what is missing is missing."""

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
    """No cookies, no redirects of the token, nothing from the environment; ``pause``: seconds that retries grow by."""
    retry = Retry(
        total=TRIES - 1,
        status_forcelist=BUSY,
        allowed_methods={"POST"},
        backoff_factor=pause,
        backoff_jitter=pause,
        # It may name hours, and a job waits for it.
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
    """``timeout`` see TIMEOUT; ``pause`` see ``open_session``."""

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
        """While it fails again and again, ``unavailable`` at once and unasked."""
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
        # Raised outside the handler: the library's own error quotes the question, and must not hang on ours.
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
