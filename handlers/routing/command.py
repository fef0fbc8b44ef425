"""Define a command as its room declares it: the function, the arguments that it takes, and who may use it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flows.engine.flow import Answer
from models.core.state_machine import By


class Takes(StrEnum):
    """The arguments that may follow a command's word."""

    NOTHING = "nothing"
    WORDS = "words"
    """Anything, after a space: a search word."""
    NUMBER = "number"
    """A number; without it the command asks or lists."""
    NUMBER_AND_WORDS = "number_and_words"
    """A number, then perhaps something: a reason, an answer."""
    NUMBERED_AND_WORDS = "numbered_and_words"
    """The same where it is surely a number: with 号 behind it, or in digits that stand alone (买3号 20斤, 买 3 2箱).
    买一台缝纫机 has none."""
    MATTER = "matter"
    """The number of an appeal, or of a verification case after a word for one: ``appeal:12``, ``case:7``."""
    MATTER_AND_WORDS = "matter_and_words"
    """The same, then perhaps something: a reason, a work number."""
    MATTER_OR_WORDS = "matter_or_words"
    """The same; or, after a space, anything: the name of a place."""
    CODE = "code"
    """A work number or a code: letters and digits, perhaps with spaces between them."""
    CODES = "codes"
    """One code or several, with spaces or marks between them."""
    CODE_AND_WORDS = "code_and_words"
    """A work number in one piece, then perhaps something: a reason."""
    GIFT = "gift"
    """An appeal's number, an amount, or both, in one piece; the word for "to" may part them (捐3块给4号)."""
    GIFT_TO = "gift_to"
    """An appeal's number, then a word of the command ``pledge``, then perhaps an amount (给4号捐3块)."""


@dataclass(frozen=True, slots=True)
class Command:
    """``run`` gets the talk and the arguments as text; it may refuse.

    ``staff``: the roles that may use it (handlers.routing.roles); None: everybody.

    ``guess``: it may be suggested after a typing error (never for money or decisions).

    ``only_reads``: it writes nothing, so a refusal leaves nothing to be rolled back.
    """

    name: str
    run: Callable[..., Answer]
    takes: Takes = Takes.NOTHING
    staff: frozenset[By] | None = None
    guess: bool = True
    only_reads: bool = False
    matters: Sequence[str] = ("case",)
    """The subjects, beside appeals, that a MATTER's number may be of; the words for them are in config/readers.toml."""
    unmarked: str = "appeal"
    """What a MATTER's number is of without a word before it."""
