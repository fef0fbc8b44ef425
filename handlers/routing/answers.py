"""Build the answers of commands: next steps, the line to the next page, and labels of keys."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.lexicon import Lexicon
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal

Thing = TypeVar("Thing")


def starts(flow: str, given: dict[str, Any] | None = None, **answers: Any) -> Callable[[Talk], Answer]:
    """Make a command that begins a flow; ``answers``: answers that the command itself implies."""
    return lambda talk: talk.start(flow, given, **answers)


def with_ways(template: str, values: dict[str, Any], ways: dict[str, list[str]]) -> Answer:
    """Answer with next steps. ``ways``: the template's name of a step -> its command, numbered in this order."""
    options = [Option(number, "", do) for number, do in enumerate(ways.values(), 1)]
    return Answer([Say(template, None, {**values, "ways": list(enumerate(ways, 1))})], options)


def ask_which(template: str, things: Sequence[Thing], command: Callable[[Thing], list[str]], **values: Any) -> Answer:
    """Number the things; each number runs its command with arguments. The template gets them as ``lines``."""
    lines = list(enumerate(things, 1))
    options = [Option(number, "", ["command", *command(thing)]) for number, thing in lines]
    return Answer([Say(template, None, {"lines": lines, **values})], options)


def ask_which_appeal(template: str, appeals: Sequence[Appeal], command: str) -> Answer:
    """Ask which of these appeals is meant; its number becomes the command's argument."""
    titles = [{"number": appeal.id, "title": appeal.title} for appeal in appeals]
    return ask_which(template, titles, lambda one: [command, str(one["number"])])


def one_page(
    talk: Talk, template: str, values: dict[str, Any], options: list[Option], turn: list[str] | None
) -> Answer:
    """Answer a page of a list, with one more line after ``options`` that leads to the next page.

    ``turn``: the next page's command with its arguments; None on the last. The template gets the line's number as
    ``more``.
    """
    line = len(options) + 1
    turning = more(talk, line, *turn) if turn else []
    return Answer([Say(template, None, {**values, "more": line if turn else None})], [*options, *turning])


def more(talk: Talk, number: int, command: str, *arguments: str) -> list[Option]:
    """Make the line that leads to the next page, once for each of its words."""
    return [Option(number, word, ["command", command, *arguments]) for word in talk.world.lexicon.words["more"]]


def labels(lexicon: Lexicon, *choice_sets: str) -> dict[str, dict[str, str]]:
    """Return labels for templates: choice set -> key -> label."""
    return {name: dict(lexicon.options(name)) for name in choice_sets}
