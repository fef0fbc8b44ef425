"""Publish the ledger where ``/ledger`` hands it out: in EXPORT_DIR, or in the bucket by way of a temporary folder."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import Environment
from sqlalchemy import func, select

from bot.books.export import FILES, Exported, export_ledger
from bot.storage.choice import open_ledger
from bot.storage.folder import Folder
from config.settings import Settings
from models.core.database import snapshot

# Names the lock of a publication beside other advisory locks.
_LOCK = 0x6C6564


def publish_ledger(settings: Settings, env: Environment, now: datetime) -> Exported | None:
    """Export the ledger to where it is handed out; None where that is nowhere.

    Raises NotTheLedger, OSError or StorageTrouble.
    """
    published = open_ledger(settings)
    if published is None:
        return None
    if isinstance(published, Folder):
        return export_ledger(settings.database_url, published.root, env, now)
    # In a folder a file locks out another export; hosts that share a bucket share the database, too.
    with snapshot(settings.database_url) as alone, TemporaryDirectory(prefix="bangfu-ledger-") as made:
        alone.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        exported = export_ledger(settings.database_url, Path(made), env, now)
        for name in FILES:
            published.write_file(name, Path(made) / name)
    return exported
