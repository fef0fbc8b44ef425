"""Send the copies of approved photos to anybody, while they may be shown: an appeal's at ``/a/<number>/photos/<name>``,
a listing's at ``/l/<number>/photos/<name>``.

A browser or a proxy may keep a copy for five minutes; what was taken down is gone from here at once, and from theirs
after that time.
"""

import re
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.photos.public_copies import path_of, public_storage
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.web.pages import guarded
from models.public.album import APPEALS, LISTINGS, Album
from models.public.photos import is_served

KEPT = "public, max-age=300, immutable"
_FILE = re.compile(r"([0-9a-f]{32})-\d{1,5}\.(webp|jpg)")
_TYPES = {"webp": "image/webp", "jpg": "image/jpeg"}
_NUMBER = re.compile(r"[0-9]{1,18}")


def public_photos(database: Engine, files: PhotoFiles, clock: Callable[[], datetime]) -> Blueprint:
    """Make the route. ``files``: the sealed photos, beside which the copies lie."""
    blueprint = Blueprint("public_photos", __name__)
    storage = public_storage(files)

    @blueprint.get("/a/<number>/photos/<name>")
    def photo(number: str, name: str) -> Response:
        return send(APPEALS, number, name)

    @blueprint.get("/l/<number>/photos/<name>")
    def of_listing(number: str, name: str) -> Response:
        return send(LISTINGS, number, name)

    def send(album: Album, number: str, name: str) -> Response:
        found = _FILE.fullmatch(name)
        if found is None or not _NUMBER.fullmatch(number):
            return guarded(Response(status=404))
        with Session(database) as db:
            if not is_served(db, int(number), found[1], name, clock(), album):
                return guarded(Response(status=404))
        try:
            response = guarded(Response(storage.read(path_of(name)), mimetype=_TYPES[found[2]]))
        except NoSuchFile:  # deleted a moment ago
            return guarded(Response(status=404))
        except StorageTrouble:
            return guarded(Response(status=503))
        response.headers["Cache-Control"] = KEPT
        # A file of this name never holds another picture.
        response.set_etag(name.partition(".")[0])
        response.make_conditional(request)
        return response

    return blueprint
