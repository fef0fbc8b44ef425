"""Where the database of the demo answers, which ``demo`` and ``chat`` bring along and keep in DEMO_DIR.

The address follows from the folder alone, so that a setting can be compared with it: nothing but our own
database is ever reached by a socket there.
"""

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

# Linux keeps the path of a socket in 108 bytes, of which its own name in the folder takes some.
_LONGEST_SOCKET_FOLDER = 85


def demo_folder() -> Path:
    return Path(os.environ.get("DEMO_DIR") or "var/demo").absolute()


def own_database_url() -> str:
    return url_in(demo_folder() / "postgres")


def url_in(folder: Path) -> str:
    """The database of a PostgreSQL whose data lie in this folder, for SQLAlchemy and for psycopg."""
    return f"postgresql://postgres@/postgres?host={quote(str(socket_folder(folder)))}"


def socket_folder(folder: Path) -> Path:
    """The folder itself, or a short name of it where its own is too long."""
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / f"bangfu-{blake2b(os.fsencode(folder), digest_size=8).hexdigest()}"
