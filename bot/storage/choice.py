"""Open the storage that the settings name: a bucket where S3_URL is set, else folders."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.storage.folder import Folder
from bot.storage.interface import Storage
from config.bucket import BucketAddress
from config.settings import Settings

if TYPE_CHECKING:
    from bot.storage.bucket import Bucket

# Where the ledger lies in the bucket; the photos' own paths begin with digits, as in MEDIA_DIR.
_LEDGER = "ledger"


def open_media(settings: Settings) -> Storage:
    """Open the storage of photos and of their public copies."""
    return _bucket(settings.bucket) if settings.bucket else Folder(Path(settings.media_dir))


def open_ledger(settings: Settings) -> Storage | None:
    """Open the storage of the published ledger; None where it is not published."""
    if settings.bucket:
        return _bucket(settings.bucket).below(_LEDGER)
    return Folder(Path(settings.export_dir)) if settings.export_dir else None


def name_media(settings: Settings) -> str:
    """Name the setting that says where photos are."""
    return "S3_URL" if settings.bucket else "MEDIA_DIR"


def prepare_media(settings: Settings) -> None:
    """Make what each forked job would take half a second to make."""
    if settings.bucket:
        _bucket(settings.bucket).prepare()


@lru_cache(maxsize=4)
def _bucket(at: BucketAddress) -> "Bucket":
    """Open a bucket once in a process: its connections, and what it knows of the server's silence, are shared."""
    from bot.storage.bucket import Bucket  # S3's client takes 60 MB and a quarter of a second, which a folder does not

    return Bucket(at)
