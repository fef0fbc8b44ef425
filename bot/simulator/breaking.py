"""Breaking a connection off, as a network does: whoever called gets no answer at all."""

import socket

from flask import Response, request


class Broken(Exception):
    """The call ends here, with nothing said."""


def hang_up(_: Broken) -> Response:
    """Shuts the caller's socket. Without one (a test's client) it is a 502, the nearest that can be said."""
    door = request.environ.get("werkzeug.socket")
    if isinstance(door, socket.socket):
        door.shutdown(socket.SHUT_RDWR)
    return Response(status=502)
