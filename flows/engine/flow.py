"""Define a conversation as data: the steps of a flow, the function that finishes it, and the answers to messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers.base import Asking, Reader, Rejected


@dataclass(frozen=True, slots=True)
class Say:
    """Words to render: a template below ``templates/`` without its ending, a macro in it, and their values.

    Without ``macro`` the whole file is the text.
    """

    template: str
    macro: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """The answer to one message: what is said, in order, and the numbered choices it leaves on the screen."""

    says: list[Say]
    options: list[Option] = field(default_factory=list)
    outcome: str = "answered"
    confirmed: Draft | None = None
    """A draft confirmed by its owner, for the flow's ``done``."""
    flow: str | None = None
    step: str | None = None
    tries: int = 0
    """``flow``, ``step`` and ``tries`` (wrong answers in a row, with this one) go into the turn's record."""
    keeps_screen: bool = False
    """What stood on the screen stays answerable; ``options`` come after it and are numbered accordingly."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question. ``when`` sees the earlier answers; ``check`` may reject a value that conflicts with others."""

    name: str
    reader: Reader
    when: Callable[[Mapping[str, Any]], bool] | None = None
    check: Callable[[Any, Asking], Rejected | None] | None = None
    codes: tuple[str, ...] = ()
    """The reject codes that ``check`` can give."""

    def applies(self, answers: Mapping[str, Any]) -> bool:
        return self.when is None or self.when(answers)

    def judge(self, value: Any, asking: Asking) -> Rejected | None:
        """Check a value by the reader's bounds, then by the step's own check. None: it is valid."""
        return self.reader.check(value, asking) or (self.check(value, asking) if self.check else None)

    @property
    def situations(self) -> frozenset[str]:
        """The macros that the step's template must have, no more and no fewer."""
        return frozenset({"ask", "help", "echo", *self.reader.codes, *self.reader.speaks, *self.codes})


@dataclass(frozen=True, slots=True)
class Flow:
    """``room``: the part of the domain it belongs to; its words are in templates/flows/ROOM/NAME/.

    ``done`` runs once per draft, in the turn's transaction, and may refuse (models.core.refusal.Refusal).

    ``admit`` may refuse to start; it returns the facts to keep as the draft's ``given``.
    ``check_answers`` runs after each answer and may refuse what ``done`` would, before more is asked.
    ``review_facts`` looks up what the review needs beyond the answers (of a pledge: its appeal).
    ``confirm``: the word that confirms the review, by its name in config/keywords.toml.
    ``single``: a person has one draft of it, whatever it was started about; starting it again resumes that one.
    ``migrations`` maps an old version to a function from its answers to the next version's.
    """

    name: str
    room: str
    steps: tuple[Step, ...]
    done: Callable[[TurnContext, Draft], Answer]
    version: int = 1
    admit: Callable[[TurnContext, dict[str, Any]], dict[str, Any]] | None = None
    check_answers: Callable[[TurnContext, Draft], None] | None = None
    review_facts: Callable[[TurnContext, Draft], Mapping[str, Any]] | None = None
    single: bool = False
    confirm: str = "confirm"
    migrations: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)

    def words(self, part: str) -> str:
        """Name the template of one of its steps, of its ``review`` or of its end (``done``)."""
        return f"flows/{self.room}/{self.name}/{part}"

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)
