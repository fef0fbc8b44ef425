"""Compute the address of the demo's own database, which ``demo`` and ``chat`` start and keep in DEMO_DIR.

The address follows from the folder alone, so that a setting can be compared with it: no other database listens on
a socket there.
"""

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

# Linux limits a socket's path to 108 bytes, of which the file's name takes some.
_LONGEST_SOCKET_FOLDER = 85


def demo_folder() -> Path:
    return Path(os.environ.get("DEMO_DIR") or "var/demo").absolute()


def own_database_url() -> str:
    return url_in(demo_folder() / "postgres")


def url_in(folder: Path) -> str:
    """Return the URL of the PostgreSQL whose data are in this folder, for SQLAlchemy and for psycopg."""
    return f"postgresql://postgres@/postgres?host={quote(str(socket_folder(folder)))}"


def socket_folder(folder: Path) -> Path:
    """Return the folder for the socket: this folder, or one with a short name where the path is too long."""
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / f"bangfu-{blake2b(os.fsencode(folder), digest_size=8).hexdigest()}"
