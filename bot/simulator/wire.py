"""HTTP to the account's server: pooled, without the environment's proxies, never longer than the deadline."""

import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter

POOL = 64
LONGEST_ANSWER = 1 << 20

Post = Callable[[str, bytes, Mapping[str, str], float], tuple[int, bytes]]
"""(url, body, headers, seconds) -> (status, body). Raises TimeoutError, ConnectionError."""


def make_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # the platform keeps none
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=POOL))
    return session


def poster(session: requests.Session) -> Post:
    """A ``Post`` over real sockets."""

    def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        return exchange(session, "POST", url, seconds, body, headers)

    return post


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    seconds: float,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """One request, wholly answered within ``seconds``. Raises TimeoutError, ConnectionError."""
    end = time.monotonic() + seconds
    try:
        with session.request(
            method, url, data=body, headers=headers, timeout=seconds, stream=True, allow_redirects=False
        ) as response:
            return response.status_code, _body(response, end)
    except requests.Timeout as error:
        raise TimeoutError(url) from error
    except requests.RequestException as error:
        raise ConnectionError(url) from error


def _body(response: requests.Response, end: float) -> bytes:
    """A server that drips its answer gets no more time than one that is silent."""
    received = bytearray()
    for chunk in response.iter_content(1 << 14):
        received += chunk
        if time.monotonic() > end:
            raise TimeoutError(response.url)
        if len(received) > LONGEST_ANSWER:
            raise ConnectionError(response.url)
    return bytes(received)
