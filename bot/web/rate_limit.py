"""Limit the wrong codes from one address; Redis counts them, under a keyed hash of the address.

While Redis is down there is no limit: a code is too long to be guessed, and the limit only keeps the load low.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import structlog
from flask import Request
from redis import Redis
from redis.exceptions import RedisError

from models.core.encryption import keyring

log = structlog.get_logger()

_HOUR = 3600
# The owner of one IPv6 address has all of its /64 network, so the network is counted.
_OWN_NETWORK = 64


class RateLimit:
    """A counter of tries called ``name``, of which ``most`` are allowed an hour."""

    def __init__(self, redis: Redis, name: str, most: int) -> None:
        self._redis, self._name, self._most = redis, name, most

    def used_up(self, request: Request) -> bool:
        try:
            counted = self._redis.get(self._key(request))
        except RedisError as error:
            log.warning("tries.not_counted", error=type(error).__name__)
            return False
        return isinstance(counted, bytes) and int(counted) >= self._most

    def count(self, request: Request) -> None:
        key = self._key(request)
        try:
            with self._redis.pipeline() as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, _HOUR, nx=True)
                pipeline.execute()
        except RedisError as error:
            log.warning("tries.not_counted", error=type(error).__name__)

    def _key(self, request: Request) -> str:
        return f"bangfu:tries:{self._name}:{keyring().lookup_hashes(address_of(request), 'address')[0][:32]}"


def address_of(request: Request) -> str:
    """Return the client's address. Behind our own proxy, in a private network, it is the last of X-Forwarded-For."""
    known = _address(request.remote_addr or "")
    if known is None or known.is_private or known.is_loopback:
        named = _address(request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip())
        known = named or known
    if known is None:
        return ""
    return str(ip_network((known, _OWN_NETWORK), strict=False) if known.version == 6 else known)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
