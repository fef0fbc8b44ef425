"""Check the way in: the domain, its certificate, and WeChat's callback, once on this machine and once from outside."""

import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from bot.upkeep.checks.finding import Finding, Level, bad, ok, told_by, warn
from bot.upkeep.checks.installation import Installation
from bot.wechat.crypto import signature_of

_HTTPS = 443
_SECONDS = 5.0
_TIMEOUT = (3.0, 10.0)
# Days that the certificate still holds, by which it is graded.
_RENEW, _LATE = 21, 7
_RENEWAL = "renew it (certbot renew, or as your proxy does), and have the proxy load it"


def check_domain(installation: Installation) -> Iterator[Finding]:
    """Check that the public address is a name that leads somewhere."""
    address = urlsplit(installation.settings.public_url)
    host = address.hostname or ""
    if not installation.settings.is_production:
        yield ok(f"{host}, of a demo")
        return
    try:
        found = sorted({str(each[4][0]) for each in socket.getaddrinfo(host, address.port or _HTTPS)})
    except OSError as error:
        yield bad(
            f"{host} cannot be resolved ({error.strerror})", "mend the domain's DNS records; has it been renewed?"
        )
        return
    if host in found:
        yield warn(f"PUBLIC_URL is the bare address {host}", "WeChat's pages want a domain: register one")
    elif all(ip_address(each).is_private for each in found):
        yield warn(f"{host} leads to {', '.join(found)}, as seen from here", "from outside it must lead to your proxy")
    else:
        yield ok(f"{host} leads to {', '.join(found)}")
    if address.port not in (None, _HTTPS):
        yield bad(
            f"PUBLIC_URL has the port {address.port}", "WeChat calls ports 80 and 443 only: let the proxy listen there"
        )


def check_certificate(installation: Installation) -> Iterator[Finding]:
    address = urlsplit(installation.settings.public_url)
    host, port = address.hostname or "", address.port or _HTTPS
    if address.scheme != "https":
        yield ok("none: PUBLIC_URL is not https")
        return
    try:
        with (
            socket.create_connection((host, port), _SECONDS) as opened,
            ssl.create_default_context().wrap_socket(opened, server_hostname=host) as sealed,
        ):
            ends = ssl.cert_time_to_seconds(str((sealed.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        yield bad(f"the certificate of {host} is refused: {error.verify_message}", f"{_RENEWAL}, with its whole chain")
        return
    except OSError as error:
        words = error.strerror or type(error).__name__
        yield bad(f"nothing speaks TLS at {host}:{port} ({words})", "is the proxy running, and port 443 open?")
        return
    days = (ends - time.time()) / 86_400
    level = told_by(-days, -_RENEW, -_LATE)
    found = f"the certificate of {host} holds until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}, {days:.0f} days"
    yield Finding(level, found, "" if level is Level.OK else _RENEWAL)


def check_server(installation: Installation) -> Iterator[Finding]:
    """Check that a web process runs on this machine, is ready, and takes what is signed with our Token."""
    yield from _ready(installation)
    start = "systemctl start bangfu-web on this machine; doctor --server names another address"
    yield from _echo(installation, installation.server, Level.BAD, start)


def check_callback(installation: Installation) -> Iterator[Finding]:
    """Call the console's URL as WeChat does, which a firewall may refuse to a call from inside."""
    do = "look at the proxy's log and docs/operating.md, The proxy; from outside this network it must answer"
    yield from _echo(installation, installation.settings.public_url.rstrip("/"), Level.WARN, do)


def _ready(installation: Installation) -> Iterator[Finding]:
    address = f"{installation.server}/readyz"
    try:
        answer = installation.http.get(address, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        return  # the echo tells it
    states = answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else {}
    told = ", ".join(f"{name} {state}" for name, state in states.items())
    if answer.status_code == requests.codes.ok:
        yield ok(f"{address}: {told}")
    else:
        yield bad(f"{address} answers {answer.status_code}: {told}", "what it names stands in this list")


def _echo(installation: Installation, base: str, away: Level, start: str) -> Iterator[Finding]:
    """Send the signed question with which the console checks the URL, and demand its own text back."""
    token = installation.settings.wechat_token.get_secret_value()
    timestamp, nonce, said = str(int(time.time())), secrets.token_hex(8), secrets.token_hex(8)
    query = {
        "signature": signature_of(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": said,
    }
    try:
        answer = installation.http.get(f"{base}/wechat", params=query, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        yield Finding(away, f"{base}/wechat does not answer ({type(error).__name__})", start)
        return
    if answer.status_code == requests.codes.ok and answer.text == said:
        yield ok(f"{base}/wechat answers what is signed with WECHAT_TOKEN")
    elif answer.status_code == requests.codes.forbidden:
        yield bad(
            f"{base}/wechat refuses our signature",
            "its process has another WECHAT_TOKEN, or its clock is off: set them alike, and restart it",
        )
    else:
        yield bad(f"{base}/wechat answers {answer.status_code}, and not our text", "does another program listen there?")
