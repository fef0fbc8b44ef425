"""Pictures, voices and films that people or the account's server have put here, for three days.

Limits: the page on temporary media of the service account's API.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.errors import ApiError

LIFE = 3 * 86400
KEPT = 500
MEGABYTE = 1 << 20

# type -> (formats, largest size in bytes, error when larger)
ACCEPTED = {
    "image": ({"image/jpeg", "image/png", "image/gif", "image/bmp"}, 10 * MEGABYTE, 40009),
    "voice": ({"audio/amr", "audio/mpeg"}, 2 * MEGABYTE, 40010),
    "video": ({"video/mp4"}, 10 * MEGABYTE, 40011),
    "thumb": ({"image/jpeg"}, 64 << 10, 40012),
}
# where the mark stands, the mark, the format it tells
MARKS = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
)


@dataclass(frozen=True)
class Media:
    media_id: str
    data: bytes
    format: str
    created: int


class MediaStore:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Media] = {}

    def put(self, kind: str, data: bytes) -> Media:
        """``kind``: image, voice, video or thumb. Raises ApiError 40004, 40005, 41005 or the size's own."""
        if kind not in ACCEPTED:
            raise ApiError(40004)
        if not data:
            raise ApiError(41005)
        formats, largest, too_large = ACCEPTED[kind]
        found = _format(data)
        if found not in formats:
            raise ApiError(40005)
        if len(data) > largest:
            raise ApiError(too_large)
        media = Media(secrets.token_urlsafe(48), data, found, int(self._clock()))
        with self._lock:
            self._kept[media.media_id] = media
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return media

    def get(self, media_id: str) -> Media:
        """Raises ApiError 40007 for what never was here, or is older than three days."""
        with self._lock:
            media = self._kept.get(media_id)
        if media is None or self._clock() - media.created >= LIFE:
            raise ApiError(40007)
        return media


def _format(data: bytes) -> str:
    return next((name for start, mark, name in MARKS if data.startswith(mark, start)), "")
