"""Tell who sent a request: its client's address, and whether that is one of our own network."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import Request

# The owner of one IPv6 address has all of its /64 network, so the network is counted.
_OWN_NETWORK = 64


def address_of(request: Request) -> str:
    """Return the client's address. Behind our own proxy, in a private network, it is the last of X-Forwarded-For."""
    known = _client(request)
    if known is None:
        return ""
    return str(ip_network((known, _OWN_NETWORK), strict=False) if known.version == 6 else known)


def is_inside(request: Request) -> bool:
    """Tell whether the client is this machine or in a private network; one that our proxy let in from outside is not.

    A proxy's X-Forwarded-For that names nobody readable is taken for a stranger's."""
    forwarded = request.headers.get("X-Forwarded-For")
    known = _client(request)
    if known is None or (forwarded is not None and _address(_last(forwarded)) is None):
        return False
    return _is_private(known)


def _client(request: Request) -> IPv4Address | IPv6Address | None:
    known = _address(request.remote_addr or "")
    if known is None or _is_private(known):
        known = _address(_last(request.headers.get("X-Forwarded-For", ""))) or known
    return known


def _last(forwarded: str) -> str:
    return forwarded.rpartition(",")[2].strip()


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    return address.is_private or address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; an IPv4 one in IPv6's form (::ffff:9.9.9.9), which counts as private, as what it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
