"""Name the settings that production refuses: secrets that can be guessed, and ways on which others can listen."""

from base64 import b64decode
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from config.settings import Settings

# A random secret of this length has more different characters, and a random key more different bytes.
_FEWEST_DIFFERENT = 8
_SHORTEST_SECRET = 32
_SHORTEST_TOKEN = 16
_SHORTEST_PASSWORD = 8
# What redis-py reads as true.
_YES = ("true", "1", "yes", "t", "y")
# The others of libpq seal the connection to whoever answers.
_PROVING_MODES = ("verify-ca", "verify-full")


def is_guessable(secret: str | bytes, shortest: int = _SHORTEST_SECRET) -> bool:
    """Tell whether the secret is too short, or made of few different characters as 000…0 and abab…ab are."""
    return len(secret) < shortest or len(set(secret)) < _FEWEST_DIFFERENT


def weaknesses(given: "Settings") -> Iterator[str]:
    """Yield a line for each setting that is too weak for production. No line quotes a value."""
    yield from _secrets(given)
    yield from _ways(given)


def _secrets(given: "Settings") -> Iterator[str]:
    if is_guessable(given.secret_key.get_secret_value()):
        yield "SECRET_KEY: it can be guessed; take one from: openssl rand -hex 32"
    data_keys = filter(None, map(str.strip, given.data_keys.get_secret_value().split(",")))
    if any(is_guessable(b64decode(key)) for key in data_keys):
        yield "DATA_KEYS: they can be guessed; take each from: openssl rand -base64 32"
    if is_guessable(given.wechat_token.get_secret_value(), _SHORTEST_TOKEN):
        yield "WECHAT_TOKEN: it can be guessed; take one from: openssl rand -hex 16"
    if is_guessable(given.wechat_app_secret.get_secret_value()):
        yield "WECHAT_APP_SECRET: the account's has 32 characters; copy it from the console"
    previous = given.wechat_aes_key_previous.get_secret_value()
    keys = {"WECHAT_AES_KEY": given.wechat_aes_key.get_secret_value(), "WECHAT_AES_KEY_PREVIOUS": previous}
    for name, key in keys.items():
        if is_guessable(key) and (key or name == "WECHAT_AES_KEY"):
            yield f"{name}: it can be guessed; let the console draw one (43 characters)"


def _ways(given: "Settings") -> Iterator[str]:
    if given.wechat_mode == "plain":
        yield "WECHAT_MODE: production needs safe, for without it no signature covers what is said"
    for name in ("public_url", "wechat_api_url"):
        if not getattr(given, name).startswith("https://"):
            yield f"{name.upper()}: in production it begins with https://"
    if not (_is_local(given.database_url) or _is_sealed_database(given.database_url)):
        yield "DATABASE_URL: it leads off this machine and needs TLS that proves it; end it with ?sslmode=verify-full"
    if not (_is_local(given.redis_url) or _is_sealed_redis(given.redis_url)):
        yield (
            "REDIS_URL: it leads off this machine and needs TLS that proves the server, and a password that cannot be "
            "guessed, as in rediss://:password@host:6379/0"
        )


def _is_local(url: str) -> bool:
    """Tell whether every server that the address names is on this machine: a socket, or an address of the loopback.

    A host among the options counts as well, since PostgreSQL's driver takes it in the place of the one before them;
    so does a service, whose host stands in a file."""
    hosts = [urlsplit(url).hostname or "", *_options(url, "host"), *_options(url, "hostaddr")]
    if urlsplit(url).scheme == "unix":
        return True
    return not _options(url, "service") and all(is_own_host(host) for host in hosts if host)


def is_own_host(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _options(url: str, name: str) -> list[str]:
    """Return all values of an option: of one that stands twice it depends on the driver which counts."""
    return parse_qs(urlsplit(url).query).get(name, [])


def _is_sealed_database(url: str) -> bool:
    modes = _options(url, "sslmode")
    return bool(modes) and all(mode in _PROVING_MODES for mode in modes)


def _is_sealed_redis(url: str) -> bool:
    """Tell whether it is reached by TLS that proves the server, and with a password that is no mere formality."""
    is_unproved = any(value != "required" for value in _options(url, "ssl_cert_reqs"))
    is_unnamed = any(value.lower() not in _YES for value in _options(url, "ssl_check_hostname"))
    has_password = not is_guessable(urlsplit(url).password or "", _SHORTEST_PASSWORD)
    return urlsplit(url).scheme == "rediss" and has_password and not (is_unproved or is_unnamed)
