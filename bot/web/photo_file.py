"""Send one sealed photo to who may see it: the one way for all pages that do."""

import structlog
from flask import Response

from bot.photos.files import PhotoFiles
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.web.pages import guarded

log = structlog.get_logger()


def send_photo(files: PhotoFiles, path: str | None) -> Response:
    """Answer the photo that lies at ``path``; 404 where there is none, 503 while the storage is away."""
    if path is None:
        return guarded(Response(status=404))
    try:
        return guarded(Response(files.read(path), mimetype="image/jpeg"))
    except NoSuchFile:  # deleted a moment ago, or damaged
        return guarded(Response(status=404))
    except StorageTrouble as error:
        log.warning("photo.not_read", error=str(error))
        return guarded(Response(status=503))
