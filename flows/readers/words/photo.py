"""Read photos, one message each, until there are enough."""

from dataclasses import dataclass
from typing import Any

from flows.readers.base import Accepted, Asking, Partial, Reader, Reading, Rejected
from models.people.message import Message, MessageKind


@dataclass(frozen=True)
class Photo(Reader):
    """Value: a list of {"media_id", "pic_url"}, ``min`` to ``max`` of them.

    The word ``finish`` ends it, or the last possible photo, or with ``min`` 0 the
    word ``skip``. The same photo again changes nothing. ``more`` gets ``count``, ``min``,
    ``max``. Codes: not_photo, and with a ``min`` none_yet (fewer than ``min``).
    """

    max: int = 9
    min: int = 1

    @property
    def codes(self) -> tuple[str, ...]:
        return ("not_photo", "none_yet") if self.min else ("not_photo",)

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("more",)

    def read(self, message: Message, asking: Asking) -> Reading:
        photos = list(asking.so_far or [])
        if message.kind is MessageKind.IMAGE and message.media_id:
            return self._add({"media_id": message.media_id, "pic_url": message.pic_url}, photos)
        words = message.text if message.kind in (MessageKind.TEXT, MessageKind.VOICE) else ""
        lexicon = asking.world.lexicon
        if lexicon.means("finish", words) or (self.min == 0 and lexicon.means("skip", words)):
            return self.check(photos, asking) or Accepted(photos)
        return Rejected("not_photo", self._values(photos))

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not isinstance(value, list) or not all(isinstance(photo, dict) and "media_id" in photo for photo in value):
            return Rejected("not_photo", self._values([]))
        if len(value) < self.min:
            return Rejected("none_yet", self._values(value))
        return None

    def facts(self, asking: Asking) -> dict[str, Any]:
        return self._values(asking.so_far or [])

    def _add(self, photo: dict[str, str], photos: list[dict[str, str]]) -> Reading:
        if photo["media_id"] not in {earlier["media_id"] for earlier in photos}:
            photos.append(photo)
        if len(photos) >= self.max:
            return Accepted(photos[: self.max])
        return Partial(photos, self._values(photos))

    def _values(self, photos: list[Any]) -> dict[str, Any]:
        return {"count": len(photos), "min": self.min, "max": self.max}
