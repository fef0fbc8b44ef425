"""Check that the folders that the bot writes to are there, may be written and have room, or that the bucket answers."""

import os
from collections.abc import Iterator
from pathlib import Path

from bot.storage.choice import open_media
from bot.storage.interface import StorageTrouble
from bot.upkeep.checks.finding import Finding, Level, bad, ok, told_by, warn
from bot.upkeep.checks.installation import Installation
from config.settings import Settings

# Percent of the disk, or of its files, in use.
_FULL_SOON, _FULL = 85, 95


def check_disk(installation: Installation) -> Iterator[Finding]:
    settings = installation.settings
    if settings.bucket:
        yield _bucket(settings)
        return
    yield from _folder("MEDIA_DIR", Path(settings.media_dir), "photos are put off, and lost after three days")
    if settings.export_dir:
        yield from _folder("EXPORT_DIR", Path(settings.export_dir), "the public ledger is not written")


def _bucket(settings: Settings) -> Finding:
    try:
        next(open_media(settings).files(), None)
    except StorageTrouble as error:
        return bad(
            f"S3_URL: the bucket does not answer as it should ({error})", "look at its server, and at the S3_ settings"
        )
    return ok("S3_URL: the bucket answers")


def _folder(setting: str, path: Path, otherwise: str) -> Iterator[Finding]:
    if not path.is_dir():
        yield bad(
            f"{setting}: {path} is not there; {otherwise}", "mount the disk, or make the folder for the service's user"
        )
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield warn(
            f"{setting}: whoever runs this may not write to {path}",
            "run doctor as the service's user (sudo -u bangfu …); if that is who you are, chown the folder to them",
        )
    state = os.statvfs(path)
    blocks = state.f_blocks - state.f_bfree + state.f_bavail
    used = 100 - 100 * state.f_bavail // (blocks or 1)
    files = 100 - 100 * state.f_favail // state.f_files if state.f_files else 0
    level = told_by(max(used, files), _FULL_SOON, _FULL)
    free = state.f_bavail * state.f_frsize / 1e9
    words = f"{setting}: {path} has {free:.1f} GB left, {used} % in use"
    if level is Level.OK:
        yield ok(words)
    else:
        yield Finding(level, words, f"make room or take a larger disk: else {otherwise}")
