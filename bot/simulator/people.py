"""What the account may learn of people, note about them, and forbid them; and what they forbid the account.

Source: doc/service/api/usermanage. Since 2021-12-27 there is no nickname and
no picture in it.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.crowd import Crowd
from bot.simulator.envelope import Content
from bot.simulator.errors import ApiError

PER_PAGE = 10_000
PER_BATCH = 100
PER_BLACKLISTING = 20
REMARK_LENGTH = 30
BY_CODE, OTHERWISE = "ADD_SCENE_QR_CODE", "ADD_SCENE_OTHERS"


@dataclass
class _Record:
    order: int
    followed: int
    """When they followed last, seconds since 1970."""
    scene: str = ""
    """Of the code by which they followed."""
    remark: str = ""
    blacklisted: bool = False
    refusing: bool = False


class People:
    """``bound``: the account belongs to an open-platform account, so that people have a unionid."""

    def __init__(self, crowd: Crowd, clock: Callable[[], float], bound: bool) -> None:
        self._crowd = crowd
        self._clock = clock
        self._bound = bound
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._last_order = 0
        self.page_size = PER_PAGE
        for row in crowd.shown():
            self._record(row["openid"])

    def act(self, openid: str, content: Content) -> None:
        """Somebody who follows goes to the end of the list of followers."""
        if content.event != "subscribe":
            return
        with self._lock:
            record = self._record(openid)
            self._last_order += 1
            record.order, record.followed = self._last_order, int(self._clock())
            record.scene = content.event_key.removeprefix("qrscene_")

    def info(self, openid: str) -> dict[str, Any]:
        """As user/info answers, with little of somebody who does not follow. Raises ApiError 40003."""
        tags = self._crowd.tags_of(openid)
        union = {"unionid": self.unionid(openid)} if self._bound else {}
        if not self._crowd.is_following(openid):
            return {"subscribe": 0, "openid": openid, **union}
        with self._lock:
            record = self._record(openid)
            numeric = record.scene.isascii() and record.scene.isdigit()
            return {
                "subscribe": 1,
                "openid": openid,
                "language": "zh_CN",
                "subscribe_time": record.followed,
                **union,
                "remark": record.remark,
                "groupid": tags[0] if tags else 0,
                "tagid_list": tags,
                "subscribe_scene": BY_CODE if record.scene else OTHERWISE,
                "qr_scene": int(record.scene) if numeric else 0,
                "qr_scene_str": "" if numeric else record.scene,
            }

    def unionid(self, openid: str) -> str:
        """The same at every call; empty where the account is not bound."""
        digest = hashlib.sha256(f"unionid {openid}".encode()).digest()
        return f"o{base64.urlsafe_b64encode(digest).decode()[:27]}" if self._bound else ""

    def followers(self, after: str) -> dict[str, Any]:
        """One page of those who follow, in the order in which they came. Raises ApiError 40003."""
        with self._lock:
            following = [row["openid"] for row in self._crowd.shown() if row["following"]]
            following.sort(key=lambda openid: self._record(openid).order)
        return _page(following, after, self.page_size)

    def blacklist(self, after: str) -> dict[str, Any]:
        with self._lock:
            listed = [openid for openid, record in self._records.items() if record.blacklisted]
        return _page(listed, after, self.page_size)

    def set_blacklisted(self, openids: Sequence[str], listed: bool) -> None:
        """All of them or, with an ApiError (40032, 49003), none."""
        if not 0 < len(openids) <= PER_BLACKLISTING:
            raise ApiError(40032)
        if not all(self._crowd.knows(openid) for openid in openids):
            raise ApiError(49003)
        with self._lock:
            for openid in openids:
                self._record(openid).blacklisted = listed

    def is_blacklisted(self, openid: str) -> bool:
        with self._lock:
            return self._record(openid).blacklisted

    def set_remark(self, openid: str, remark: str) -> None:
        """Raises ApiError 40003, and 40097 for a remark that is too long (the code is nowhere written)."""
        self._crowd.tags_of(openid)
        if len(remark) > REMARK_LENGTH:
            raise ApiError(40097)
        with self._lock:
            self._record(openid).remark = remark

    def refuse(self, openid: str, refusing: bool) -> None:
        """The person's own switch: whether they take messages from this account. Raises UnknownPerson."""
        self._crowd.require(openid)
        with self._lock:
            self._record(openid).refusing = refusing

    def is_refusing(self, openid: str) -> bool:
        with self._lock:
            return self._record(openid).refusing

    def _record(self, openid: str) -> _Record:
        if openid not in self._records:
            self._last_order += 1
            self._records[openid] = _Record(self._last_order, int(self._clock()))
        return self._records[openid]


def _page(openids: list[str], after: str, size: int) -> dict[str, Any]:
    if after and after not in openids:
        raise ApiError(40003)
    start = openids.index(after) + 1 if after else 0
    page = openids[start : start + size]
    data = {"data": {"openid": page}} if page else {}
    return {"total": len(openids), "count": len(page), **data, "next_openid": page[-1] if page else ""}
