"""Write a notification's words for each channel: by the macros ``push``, ``unread`` and ``card`` of its template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.push.cards import Card, fill
from bot.wechat.codec import REPLY_BYTES, fit_reply
from bot.words.render import Renderer, moment
from flows.engine.flow import Say
from models.notifications.kinds import KINDS, template_of


@dataclass(frozen=True, slots=True)
class Wording:
    """Write words. ``labels``: name of an offer -> its label first (config/choices.toml, ``push_offer``)."""

    renderer: Renderer
    labels: Mapping[str, tuple[str, ...]]

    def plain(self, kind: str, facts: dict[str, Any]) -> str:
        """Write the words without numbered choices, as in a reply."""
        return self._say(kind, "unread", facts)

    def for_another(self, name: str) -> str:
        """Say for whom there is a message, and nothing else, to whom has the phone now. ``name``: masked, or empty."""
        return self.renderer.say(Say("replies/people/for_another", None, {"name": name}))

    def head(self, kind: str, facts: dict[str, Any]) -> str:
        """Write the words above the lines of a msgmenu."""
        return self._push(kind, facts, "".join(f"{number} {label}" for number, label in self._numbered(kind, facts)))

    def options(self, kind: str, facts: dict[str, Any]) -> list[tuple[int, str]]:
        """List the msgmenu's lines: the number that a tap stands for, and the label with its number, to be typed."""
        return [(number, f"{number} {label}") for number, label in self._numbered(kind, facts)]

    def numbered(self, kind: str, facts: dict[str, Any]) -> str:
        """Write words and numbered choices as one text."""
        lines = "\n\n" + "\n".join(f"{number} {label}" for number, label in self._numbered(kind, facts))
        return self._push(kind, facts, lines) + lines

    def card(self, kind: str, card: Card, facts: dict[str, Any], at: datetime) -> dict[str, str]:
        """Fill the card's fields. ``at``: when it happened. Raises BadField where words are missing or do not fit."""
        written = self._say(kind, "card", facts) if self._has(kind, "card") else ""
        return fill(card, written, moment(at))

    def _numbered(self, kind: str, facts: dict[str, Any]) -> list[tuple[int, str]]:
        """Number the offers as handlers.notifications.push_replies reads them."""
        return [(number, self.labels[offer.name][0]) for number, offer in enumerate(KINDS[kind].offered(facts), 1)]

    def _push(self, kind: str, facts: dict[str, Any], beside: str) -> str:
        """Write the push's words, cut so that ``beside`` fits into the same message."""
        words = self._say(kind, "push" if self._has(kind, "push") else "unread", facts)
        return words.encode()[: REPLY_BYTES - len(beside.encode())].decode(errors="ignore")

    def _say(self, kind: str, macro: str, facts: dict[str, Any]) -> str:
        return fit_reply(self.renderer.say(Say(template_of(kind), macro, {"v": facts})))

    def _has(self, kind: str, macro: str) -> bool:
        return hasattr(self.renderer.env.get_template(f"{template_of(kind)}.txt").module, macro)
