"""Template messages: the account's templates, which messages were sent before, and what becomes of the next ones.

Source: doc/offiaccount/Message_Management/Template_Message_Interface.html.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from bot.simulator.errors import ApiError
from bot.simulator.fields import Template

TEMPLATES = 25
# A client_msg_id is known for ten minutes; 64 bytes is what the page on mass messages allows.
REMEMBERED = 600
CLIENT_ID_BYTES = 64
REPORTED_AFTER = 2.0
"""Seconds until TEMPLATESENDJOBFINISH; how long it takes is nowhere written."""
DELIVERED, BLOCKED, BROKEN = "success", "failed:user block", "failed: system failed"


class Templates:
    """``own``: the account's templates. ``library``: those that it may still add, by their ``short_id``."""

    def __init__(self, clock: Callable[[], float], own: Iterable[Template], library: Iterable[Template]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._own = {template.template_id: template for template in own}
        self._library = {template.short_id: template for template in library}
        self._sent: dict[tuple[str, str], float] = {}
        self._last_id = int(clock()) * 10**9
        self._outcomes: deque[str] = deque()

    def put(self, template: Template) -> None:
        """As the console does it. Raises ApiError 45026."""
        with self._lock:
            if template.template_id not in self._own and len(self._own) >= TEMPLATES:
                raise ApiError(45026)
            self._own[template.template_id] = template

    def add(self, short_id: str, names: list[str]) -> str:
        """A template of the library with the fields of these labels, in this order; its new id.

        Raises ApiError 40037 (no such one), 40246 (no labels, or not its own), 45026.
        """
        with self._lock:
            found = self._library.get(short_id)
        if found is None:
            raise ApiError(40037)
        fields = dict(found.fields())
        if not names or any(name not in fields for name in names):
            raise ApiError(40246)
        content = "\n".join(f"{name}:{{{{{fields[name]}.DATA}}}}" for name in names)
        made = replace(found, template_id=secrets.token_urlsafe(32), content=content)
        self.put(made)
        return made.template_id

    def remove(self, template_id: str) -> None:
        self.find(template_id)
        with self._lock:
            self._own.pop(template_id, None)

    def find(self, template_id: Any) -> Template:
        """Raises ApiError 40037."""
        with self._lock:
            template = self._own.get(template_id) if isinstance(template_id, str) else None
        if template is None:
            raise ApiError(40037)
        return template

    def shown(self) -> list[Template]:
        with self._lock:
            return list(self._own.values())

    def number(self, openid: str, client_id: str) -> int:
        """The id of a new message. Raises ApiError 45065 where ``client_id`` was sent to them before, 45067."""
        if len(client_id.encode()) > CLIENT_ID_BYTES:
            raise ApiError(45067)
        with self._lock:
            now = self._clock()
            self._sent = {key: sent for key, sent in self._sent.items() if now - sent < REMEMBERED}
            if client_id:
                if (openid, client_id) in self._sent:
                    raise ApiError(45065)
                self._sent[openid, client_id] = now
            self._last_id += 1
            return self._last_id

    def expect(self, outcome: str, times: int = 1) -> None:
        """What the next messages end in: ``BROKEN``, or another status that the platform reports."""
        with self._lock:
            self._outcomes.extend([outcome] * times)

    def outcome(self, refusing: bool) -> str:
        """What this message ends in."""
        if refusing:
            return BLOCKED
        with self._lock:
            return self._outcomes.popleft() if self._outcomes else DELIVERED
