"""Subscription notices and one-time messages: what people have consented to, and what is left of it.

Sources: doc/service/Subscription_Messages/intro.html;
doc/service/guide/product/message/One-time_subscription_info.html.
"""

import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from bot.simulator.errors import ApiError
from bot.simulator.fields import Template

PER_POPUP = 5
SCENES = 10_000
TITLE_LENGTH = 15
CONTENT_LENGTH = 200
REPORTED_AFTER = 2.0
"""Seconds until subscribe_msg_sent_event; how long it takes is nowhere written."""
CONFIRM = "confirm"


class Subscriptions:
    def __init__(self, clock: Callable[[], float], templates: Iterable[Template]) -> None:
        self._lock = threading.Lock()
        self._templates = {template.template_id: template for template in templates}
        self._consents: Counter[tuple[str, str]] = Counter()
        self._for_good: set[tuple[str, str]] = set()
        self._asked: dict[str, tuple[str, dict[str, str]]] = {}
        self._once: Counter[tuple[str, str, int]] = Counter()
        self._outcomes: deque[tuple[int, str]] = deque()
        self._last_id = int(clock()) * 10**9

    def put(self, template: Template) -> None:
        with self._lock:
            self._templates[template.template_id] = template

    def remove(self, template_id: str) -> None:
        self.find(template_id)
        with self._lock:
            self._templates.pop(template_id, None)

    def find(self, template_id: Any) -> Template:
        """Raises ApiError 40037."""
        with self._lock:
            template = self._templates.get(template_id) if isinstance(template_id, str) else None
        if template is None:
            raise ApiError(40037)
        return template

    def shown(self) -> list[Template]:
        with self._lock:
            return list(self._templates.values())

    def choose(self, openid: str, choices: Mapping[str, bool]) -> None:
        """What they tapped in the popup: each yes is good for one notice, a no leaves what was given before.

        Raises ApiError 40037; ValueError for none, or more than five templates.
        """
        if not 0 < len(choices) <= PER_POPUP:
            raise ValueError("one to five templates")
        templates = [self.find(template_id) for template_id, accepted in choices.items() if accepted]
        for template_id in choices:
            self.find(template_id)
        with self._lock:
            for template in templates:
                self._consents[openid, template.template_id] += 1
                if template.long_term:
                    self._for_good.add((openid, template.template_id))

    def change(self, openid: str, choices: Mapping[str, bool]) -> None:
        """What they changed among their settings: a no takes all consent back. Raises ApiError 40037."""
        for template_id in choices:
            self.find(template_id)
        with self._lock:
            for template_id in (template_id for template_id, accepted in choices.items() if not accepted):
                del self._consents[openid, template_id]
                self._for_good.discard((openid, template_id))

    def left(self, openid: str, template_id: str) -> int | None:
        """How many notices they may still be sent; None for any number."""
        with self._lock:
            return None if (openid, template_id) in self._for_good else self._consents[openid, template_id]

    def take(self, openid: str, template_id: str) -> int:
        """Uses one consent up; the id of the notice. Raises ApiError 43101."""
        with self._lock:
            if (openid, template_id) not in self._for_good:
                if not self._consents[openid, template_id]:
                    raise ApiError(43101)
                self._consents[openid, template_id] -= 1
            self._last_id += 1
            return self._last_id

    def allow_once(self, openid: str, template_id: str, scene: int) -> None:
        """They confirmed on the page of a one-time message: one message with this scene."""
        with self._lock:
            self._once[openid, template_id, scene] += 1

    def ask_once(self, openid: str, query: Mapping[str, str]) -> str:
        """The name under which their answer on the page is taken, once."""
        with self._lock:
            name = secrets.token_urlsafe(24)
            self._asked[name] = openid, dict(query)
            return name

    def answer_once(self, name: str, action: str) -> str | None:
        """Where the person goes after ``confirm`` or ``cancel``; None for what was not asked."""
        with self._lock:
            openid, query = self._asked.pop(name, ("", {}))
        if not openid:
            return None
        answer = {name: query.get(name, "") for name in ("template_id", "scene", "reserved")}
        answer["action"] = CONFIRM if action == CONFIRM else "cancel"
        if action == CONFIRM:
            answer["openid"] = openid
            self.allow_once(openid, query["template_id"], int(query["scene"]))
        parts = urlsplit(query["redirect_url"])
        joined = "&".join(part for part in (parts.query, urlencode(answer)) if part)
        return urlunsplit(parts._replace(query=joined))

    def take_once(self, openid: str, template_id: str, scene: int) -> None:
        """Raises ApiError 43101."""
        with self._lock:
            if not self._once[openid, template_id, scene]:
                raise ApiError(43101)
            self._once[openid, template_id, scene] -= 1

    def expect(self, code: int, status: str, times: int = 1) -> None:
        """What subscribe_msg_sent_event reports of the next notices."""
        with self._lock:
            self._outcomes.extend([(code, status)] * times)

    def outcome(self) -> tuple[int, str]:
        with self._lock:
            return self._outcomes.popleft() if self._outcomes else (0, "success")
