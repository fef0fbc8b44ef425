"""What is kept of a conversation between two messages: drafts, the one in focus, and what is on the screen.

It is stored as JSON. Every shape that was ever released must still load, so
fields are only added, each with a default, and unknown ones are passed over
(two versions run side by side while a release spreads).
"""

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

FOCUS_LASTS = timedelta(hours=12)
DRAFT_LASTS = timedelta(days=30)
SCREEN_LASTS = timedelta(hours=48)
MOST_DRAFTS = 8


class SessionBroken(Exception):
    """The stored text is not a session of any released shape."""


@dataclass(slots=True)
class Option:
    """A numbered line on the screen. ``do`` is what choosing it means: a verb, then its words."""

    number: int
    label: str
    do: list[str]


@dataclass(slots=True)
class Screen:
    """What the last reply offered. ``at`` is epoch seconds."""

    options: list[Option]
    at: int


@dataclass(slots=True)
class Draft:
    """A flow that somebody is in the middle of. Times are epoch seconds."""

    id: str
    flow: str
    version: int
    started: int
    touched: int
    answers: dict[str, Any] = field(default_factory=dict)
    so_far: dict[str, Any] = field(default_factory=dict)
    """Step name -> what a step that takes several messages holds until it is finished."""
    offered: list[list[Any]] = field(default_factory=list)
    """The [label, value] pairs among which the current step asked to pick."""
    editing: str | None = None
    """A step being answered anew; its old answer stays until the new one is read."""
    misses: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    """What the flow was started about (an appeal's number and title)."""
    preset: dict[str, Any] = field(default_factory=dict)
    """Answers that came with the words that started it; starting over goes back to them."""

    @property
    def begun(self) -> bool:
        """Has the person put anything into it?"""
        return bool(self.so_far) or self.answers != self.preset


@dataclass(slots=True)
class Session:
    drafts: list[Draft] = field(default_factory=list)
    focus: str | None = None
    screen: Screen | None = None
    ticket: int | None = None
    """The open request for a person to talk to."""
    shown: float = 0.0
    """When a reply was last on the screen, whether it offered anything or not."""

    @property
    def draft(self) -> Draft | None:
        """The draft in focus."""
        return self.find(self.focus) if self.focus else None

    def find(self, draft_id: str) -> Draft | None:
        return next((draft for draft in self.drafts if draft.id == draft_id), None)

    def drop(self, draft: Draft) -> None:
        self.drafts.remove(draft)
        if self.focus == draft.id:
            self.focus = None

    def age(self, now: datetime) -> Draft | None:
        """Let old things go; returns the draft that has just lost focus by lying too long."""
        moment = now.timestamp()
        self.drafts = [draft for draft in self.drafts if moment - draft.touched < DRAFT_LASTS.total_seconds()]
        if self.screen and moment - self.screen.at >= SCREEN_LASTS.total_seconds():
            self.screen = None
        draft = self.draft
        if draft is None:
            self.focus = None
        elif moment - draft.touched >= FOCUS_LASTS.total_seconds():
            self.focus = None
            self.screen = None
            return draft
        return None


def dumps(session: Session) -> str:
    return json.dumps(asdict(session), ensure_ascii=False, separators=(",", ":"))


def _draft(raw: dict[str, Any]) -> Draft:
    known = {item.name for item in fields(Draft)}
    return Draft(**{name: value for name, value in raw.items() if name in known})


def loads(text: str) -> Session:
    """Raises SessionBroken; an empty text is a conversation's beginning."""
    if not text:
        return Session()
    try:
        raw = json.loads(text)
        screen = raw.get("screen")
        return Session(
            drafts=[_draft(draft) for draft in raw["drafts"]],
            focus=raw["focus"],
            screen=Screen([Option(**option) for option in screen["options"]], screen["at"]) if screen else None,
            ticket=raw.get("ticket"),
            shown=raw.get("shown", 0.0),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SessionBroken(type(error).__name__) from None
