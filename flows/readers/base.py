"""What every reader is: it reads one answer out of a message, or says exactly why it cannot.

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
    """Beside the message: the world, the flow's other answers, and what a many-message step holds so far."""

    world: World
    answers: Mapping[str, Any] = field(default_factory=dict)
    so_far: Any = None


@dataclass(frozen=True, slots=True)
class Accepted:
    value: Any


@dataclass(frozen=True, slots=True)
class Partial:
    """More may come: ``so_far`` is kept, and the step's ``more`` macro is said with ``values``."""

    so_far: Any
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """It is not sure what is meant: the step's ``which`` macro lists what could be, a number picks one."""

    options: tuple[tuple[str, Any], ...]
    """(label shown, value accepted) pairs, one to nine."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """``code`` names the macro of the step's template that says what was wrong and how to put it right."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


Reading = Accepted | Partial | Offer | Rejected


class Reader:
    """Subclasses are frozen dataclasses of the question's bounds."""

    numbered: ClassVar[bool] = False
    """Its refusals list numbered choices."""
    free: ClassVar[bool] = False
    """Takes a person's own words, whatever they begin with."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Every reject code this reader can give with its bounds (a test demands a macro for each, and no other)."""
        return ()

    @property
    def speaks(self) -> tuple[str, ...]:
        """Situations beyond ask, help, stuck and echo that it needs (``more``, ``which``)."""
        return ()

    def read(self, message: Message, asking: Asking) -> Reading:
        raise NotImplementedError

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        """The same rules on a value read earlier, perhaps under older rules. None: still good."""
        raise NotImplementedError

    def exact(self, text: str, asking: Asking) -> Any | None:
        """The value when the text is exactly one of the choices this question shows; None where it shows none."""
        return None

    def shown(self, value: Any, world: World) -> Any:
        """The value as templates get it for echo and review (labels for keys, names for codes)."""
        return value

    def facts(self, asking: Asking) -> dict[str, Any]:
        """The bounds and options that the ask, help and reject macros may use."""
        return {}
