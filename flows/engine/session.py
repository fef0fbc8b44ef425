"""Keep a conversation between two messages: drafts, the one in focus, and the choices on the screen.

It is stored as JSON. Every shape that was ever released must still load, so
fields are only added, each with a default, and unknown ones are ignored
(two versions run side by side during a release).
"""

import json
from dataclasses import dataclass, field, fields
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
    """A numbered line on the screen. ``do``: what choosing it does, as a verb and its arguments."""

    number: int
    label: str
    do: list[str]


@dataclass(slots=True)
class Screen:
    """The choices that the person can answer with a number. ``at`` is epoch seconds.

    An answer that takes nothing away (Answer.keeps_screen) leaves the standing choices, and adds its own after them.
    """

    options: list[Option]
    at: int
    lines: list[str] = field(default_factory=list)
    """The numbered lines of the standing choices, as they were shown."""
    added: int = 0
    """How many of the last options were added; the next answer of that kind replaces them."""

    @property
    def standing(self) -> list[Option]:
        return self.options[: len(self.options) - self.added]

    def remember(self, reply: str) -> None:
        """Keep the lines of the standing choices from the reply that has just shown them; news may stand before."""
        shown = {line.partition(" ")[0]: line for line in reply.splitlines()}
        numbers = dict.fromkeys(str(option.number) for option in self.standing)
        lines = [shown[number] for number in numbers if number in shown]
        self.lines = lines or self.lines

    def shown_lines(self) -> list[str]:
        """Return the numbered lines of the standing choices, or of the added ones where none stand; those of a push are
        known by their labels alone."""
        shown = self.standing or self.options
        labels = {option.number: option.label for option in reversed(shown) if option.label}
        return self.lines or [f"{number} {label}" for number, label in sorted(labels.items())]


@dataclass(slots=True)
class Draft:
    """A flow that the person has begun. Times are epoch seconds."""

    id: str
    flow: str
    version: int
    started: int
    touched: int
    answers: dict[str, Any] = field(default_factory=dict)
    so_far: dict[str, Any] = field(default_factory=dict)
    """Step name -> the unfinished value of a step that takes several messages."""
    offered: list[list[Any]] = field(default_factory=list)
    """The [label, value] pairs from which the current step asks to pick."""
    editing: str | None = None
    """The step that is being answered anew; its old answer stays until the new one is accepted."""
    again: list[str] = field(default_factory=list)
    """The steps that are still to be answered anew, one after another, as with ``editing``."""
    misses: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    """The facts with which the flow was started (an appeal's number and title).

    ``again`` in it: the steps whose given answers are to be answered anew.
    """
    preset: dict[str, Any] = field(default_factory=dict)
    """Answers that were contained in the words that started the flow; starting over returns to them."""

    @property
    def begun(self) -> bool:
        """Tell whether the person has answered anything."""
        return bool(self.so_far) or self.answers != self.preset


@dataclass(slots=True)
class Session:
    drafts: list[Draft] = field(default_factory=list)
    focus: str | None = None
    screen: Screen | None = None
    ticket: int | None = None
    """The id of the open ticket, a request to talk to a human."""
    shown: float = 0.0
    """When the last reply was shown (epoch seconds), whether it offered choices or not."""
    loose: list[dict[str, str]] = field(default_factory=list)
    """Photos that no question asked for, in the Photo reader's form; the last came at ``loose_at`` (epoch seconds)."""
    loose_at: int = 0
    stoppable: int | None = None
    """The id of a request that waits (models.rights.request): the person's next message stops it."""

    @property
    def draft(self) -> Draft | None:
        """The draft in focus."""
        return self.find(self.focus) if self.focus else None

    @property
    def choices(self) -> list[Option]:
        """The standing choices on the screen."""
        return self.screen.standing if self.screen else []

    def find(self, draft_id: str) -> Draft | None:
        return next((draft for draft in self.drafts if draft.id == draft_id), None)

    def drop(self, draft: Draft) -> None:
        self.drafts.remove(draft)
        if self.focus == draft.id:
            self.focus = None

    def age(self, now: datetime) -> list[Draft]:
        """Drop what is too old, and take a draft out of focus that was not touched for long. Returns those dropped."""
        moment = now.timestamp()
        dropped = [draft for draft in self.drafts if moment - draft.touched >= DRAFT_LASTS.total_seconds()]
        for old in dropped:
            self.drop(old)
        if self.screen and moment - self.screen.at >= SCREEN_LASTS.total_seconds():
            self.screen = None
        if moment - self.loose_at >= SCREEN_LASTS.total_seconds():
            self.loose = []
        draft = self.draft
        if draft is None:
            self.focus = None
        elif moment - draft.touched >= FOCUS_LASTS.total_seconds():
            self.focus = None
            self.screen = None
        return dropped


def dumps(session: Session) -> str:
    return _as_json(session)


def save_screen(screen: Screen | None) -> str:
    """Write the choices of a screen as JSON; "" for none."""
    return _as_json(screen) if screen else ""


def _as_json(kept: Session | Screen) -> str:
    # dataclasses.asdict would copy every answer first, which costs more than all of the writing.
    return json.dumps(kept, default=_fields, ensure_ascii=False, separators=(",", ":"))


def _fields(part: Screen | Option | Draft) -> dict[str, Any]:
    return {item.name: getattr(part, item.name) for item in fields(part)}


def load_screen(text: str, now: datetime) -> Screen | None:
    """Read what ``save_screen`` wrote; None for a screen without choices or one that is too old."""
    if not text:
        return None
    screen = _screen(json.loads(text))
    return screen if now.timestamp() - screen.at < SCREEN_LASTS.total_seconds() else None


def _draft(raw: dict[str, Any]) -> Draft:
    known = {item.name for item in fields(Draft)}
    return Draft(**{name: value for name, value in raw.items() if name in known})


def _screen(raw: dict[str, Any]) -> Screen:
    known = {item.name for item in fields(Screen)}
    options = [Option(**option) for option in raw["options"]]
    return Screen(**{name: value for name, value in raw.items() if name in known} | {"options": options})


def loads(text: str) -> Session:
    """Load a session; an empty text is a new conversation. Raises SessionBroken."""
    if not text:
        return Session()
    try:
        raw = json.loads(text)
        screen = raw.get("screen")
        return Session(
            drafts=[_draft(draft) for draft in raw["drafts"]],
            focus=raw["focus"],
            screen=_screen(screen) if screen else None,
            ticket=raw.get("ticket"),
            shown=raw.get("shown", 0.0),
            loose=raw.get("loose", []),
            loose_at=raw.get("loose_at", 0),
            stoppable=raw.get("stoppable"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SessionBroken(type(error).__name__) from None
