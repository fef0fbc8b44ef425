"""A notice's words for each channel: the macros ``push``, ``unread`` and ``card`` of its kind's template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.push.cards import Card, fill
from bot.wechat.channel import REPLY_BYTES, fit
from bot.words.render import Renderer, moment
from flows.engine.flow import Say
from handlers.notifications.push_replies import tap_id
from models.notifications.kinds import KINDS, template_of


@dataclass(frozen=True, slots=True)
class Wording:
    """``labels``: name of an offer -> its label first (config/choices.toml, ``push_offer``)."""

    renderer: Renderer
    labels: Mapping[str, tuple[str, ...]]

    def plain(self, kind: str, facts: dict[str, Any]) -> str:
        """What stands in a reply as well: nothing in it is numbered."""
        return self._say(kind, "unread", facts)

    def head(self, kind: str, facts: dict[str, Any]) -> str:
        """For a msgmenu: the words above its lines."""
        return self._push(kind, facts, "".join(f"{number} {label}" for number, label in self._numbered(kind)))

    def options(self, notice_id: int, kind: str) -> list[tuple[str, str]]:
        """Its lines: what a tap sends back, and the label; the number stands before it, for whoever types instead."""
        return [(tap_id(notice_id, number), f"{number} {label}") for number, label in self._numbered(kind)]

    def numbered(self, kind: str, facts: dict[str, Any]) -> str:
        """The same as one text."""
        lines = "\n\n" + "\n".join(f"{number} {label}" for number, label in self._numbered(kind))
        return self._push(kind, facts, lines) + lines

    def card(self, kind: str, card: Card, facts: dict[str, Any], at: datetime) -> dict[str, str]:
        """WeChat's field -> value. ``at``: when it happened. Raises BadField, also where the kind has no such macro."""
        written = self._say(kind, "card", facts) if self._has(kind, "card") else ""
        return fill(card, written, moment(at))

    def _numbered(self, kind: str) -> list[tuple[int, str]]:
        """Numbered as handlers.notifications.push_replies reads them."""
        return [(number, self.labels[offer.name][0]) for number, offer in enumerate(KINDS[kind].offers, 1)]

    def _push(self, kind: str, facts: dict[str, Any], beside: str) -> str:
        """With room for what stands beside it."""
        words = self._say(kind, "push" if self._has(kind, "push") else "unread", facts)
        return words.encode()[: REPLY_BYTES - len(beside.encode())].decode(errors="ignore")

    def _say(self, kind: str, macro: str, facts: dict[str, Any]) -> str:
        return fit(self.renderer.say(Say(template_of(kind), macro, {"v": facts})))

    def _has(self, kind: str, macro: str) -> bool:
        return hasattr(self.renderer.env.get_template(f"{template_of(kind)}.txt").module, macro)
