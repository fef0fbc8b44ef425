"""Define readers: a reader reads one answer out of a message, or says exactly why it cannot.

A reader holds the bounds of its question and nothing else. Values are JSON:
fen and grams as int, dates as ISO text, choices as their keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flows.engine.world import World
from models.people.message import Message


@dataclass(frozen=True, slots=True)
class Asking:
    """What a reader gets beside the message: the world, the other answers, and a step's unfinished value."""

    world: World
    answers: Mapping[str, Any] = field(default_factory=dict)
    so_far: Any = None


@dataclass(frozen=True, slots=True)
class Accepted:
    value: Any


@dataclass(frozen=True, slots=True)
class Partial:
    """The answer is not finished: ``so_far`` is kept, and the step's ``more`` macro is said with ``values``."""

    so_far: Any
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """The message is ambiguous: the step's ``which`` macro lists the possible values, and a number picks one."""

    options: tuple[tuple[str, Any], ...]
    """(label shown, value accepted) pairs, one to nine."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message is no valid answer: the step's macro ``code`` says what was wrong and how to correct it."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


Reading = Accepted | Partial | Offer | Rejected


class Reader:
    """The base of all readers. Subclasses are frozen dataclasses of the question's bounds."""

    free: ClassVar[bool] = False
    """It takes free text, even text that begins with a command's word."""

    @property
    def is_story(self) -> bool:
        """Tell whether the free text may tell of a life, and not only name something."""
        return False

    @property
    def codes(self) -> tuple[str, ...]:
        """Every reject code this reader can give with its bounds (a test demands a macro for each, and no other)."""
        return ()

    @property
    def speaks(self) -> tuple[str, ...]:
        """The macros that it needs beyond ask, help and echo (``more``, ``which``)."""
        return ()

    def read(self, message: Message, asking: Asking) -> Reading:
        raise NotImplementedError

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        """Check a value that was read earlier, perhaps under older rules. None: it is still valid."""
        raise NotImplementedError

    def exact(self, text: str, asking: Asking) -> Any | None:
        """Return the value when the text is exactly one of the choices that this question shows; else None."""
        return None

    def shown(self, value: Any, world: World) -> Any:
        """Return the value for the templates of echo and review (labels for keys, names for codes)."""
        return value

    def facts(self, asking: Asking) -> dict[str, Any]:
        """Return the bounds and options that the ask, help and reject macros may use."""
        return {}
