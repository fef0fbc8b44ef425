"""Read where the S3-compatible bucket is, and say what is wrong with it. No line quotes a value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from config.production import is_guessable, is_own_host

if TYPE_CHECKING:
    from config.settings import Settings

_FORM = "it is https://SERVER/BUCKET, and after a ? at most region=NAME and addressing=virtual"
# Servers that have no regions take this one, which S3's own clients fall back to.
_REGION = "us-east-1"
# By S3's rules for names, which compatible servers share.
_NAME = re.compile(r"/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?")
_OPTIONS = {"region": re.compile(r"[a-z0-9-]{1,40}"), "addressing": re.compile(r"path|virtual")}
_SHORTEST_SECRET = 16
# What S3's documentation prints, and what servers come with.
_PRINTED = ("EXAMPLE", "minioadmin", "minio123")


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where the bucket is and who we are there. ``is_virtual``: its name is part of the host's, not of the path."""

    endpoint: str
    name: str
    region: str
    is_virtual: bool
    key_id: str = field(repr=False)
    secret: str = field(repr=False)


def read_bucket(given: "Settings") -> BucketAddress | None:
    """Return the bucket of the S3_ settings; None where photos lie in a folder. Raises ValueError."""
    if not given.s3_url:
        return None
    server, name, options = _parts(given.s3_url)
    return BucketAddress(
        endpoint=f"{server.scheme}://{server.netloc}",
        name=name,
        region=options.get("region", _REGION),
        is_virtual=options.get("addressing") == "virtual",
        key_id=given.s3_access_key_id.get_secret_value().strip(),
        secret=given.s3_secret_access_key.get_secret_value().strip(),
    )


def _parts(url: str) -> tuple[SplitResult, str, dict[str, str]]:
    """Return the server, the bucket's name and the options. Raises ValueError with words for the operator."""
    try:
        parts = urlsplit(url)
        is_server = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # whose words could quote the address
        raise ValueError(_FORM) from None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options, name = dict(pairs), _NAME.fullmatch(parts.path)
    is_known = all(key in _OPTIONS and _OPTIONS[key].fullmatch(value) for key, value in options.items())
    # A user or a password in an address would stand in logs.
    is_bare = parts.scheme in {"http", "https"} and parts.username is None and not parts.fragment
    if name is None or not (is_server and is_bare and is_known and len(options) == len(pairs)):
        raise ValueError(_FORM)
    return parts, name[1], options


def faults(given: "Settings") -> Iterator[str]:
    """Yield a line for each fault of the S3_ settings."""
    keys = {
        "S3_ACCESS_KEY_ID": given.s3_access_key_id.get_secret_value().strip(),
        "S3_SECRET_ACCESS_KEY": given.s3_secret_access_key.get_secret_value().strip(),
    }
    missing = [name for name, value in {"S3_URL": given.s3_url, **keys}.items() if not value]
    if len(missing) == 3:
        return
    if missing:
        yield f"a bucket needs all of the S3_ settings; missing: {', '.join(missing)}"
        return
    try:
        bucket = read_bucket(given)
    except ValueError as error:
        yield f"S3_URL: {error}"
        return
    if bucket is not None and given.is_production:
        yield from _weaknesses(bucket, keys)


def _weaknesses(bucket: BucketAddress, keys: dict[str, str]) -> Iterator[str]:
    server = urlsplit(bucket.endpoint)
    if server.scheme != "https" and not is_own_host(server.hostname or ""):
        yield "S3_URL: it leads off this machine, so in production it begins with https://"
    printed = [name for name, value in keys.items() if any(known in value for known in _PRINTED)]
    yield from (f"{name}: it is a sample that everybody knows" for name in printed)
    if not printed and is_guessable(bucket.secret, _SHORTEST_SECRET):
        yield "S3_SECRET_ACCESS_KEY: it can be guessed; let the bucket's server draw one"
