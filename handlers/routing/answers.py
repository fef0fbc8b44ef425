"""What the commands' answers are made of: the ways on, the line that turns the page, and keys in words."""

from collections.abc import Callable
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.lexicon import Lexicon
from handlers.routing.talk import Talk


def starts(flow: str, given: dict[str, Any] | None = None, **answers: Any) -> Callable[[Talk], Answer]:
    """Make a command that begins a flow, with what saying it has answered already."""
    return lambda talk: talk.start(flow, given, **answers)


def with_ways(template: str, values: dict[str, Any], ways: dict[str, list[str]]) -> Answer:
    """``ways``: what can be done next, by the name under which the template says it, numbered in this order."""
    options = [Option(number, "", do) for number, do in enumerate(ways.values(), 1)]
    return Answer([Say(template, None, {**values, "ways": list(enumerate(ways, 1))})], options)


def one_page(
    talk: Talk, template: str, values: dict[str, Any], options: list[Option], turn: list[str] | None
) -> Answer:
    """Answer a page of a list, and lead to the next by one more line under ``options``.

    ``turn``: the next one's command with its arguments; None on the last. The template has that line's number as
    ``more``.
    """
    line = len(options) + 1
    turning = more(talk, line, *turn) if turn else []
    return Answer([Say(template, None, {**values, "more": line if turn else None})], [*options, *turning])


def more(talk: Talk, number: int, command: str, *arguments: str) -> list[Option]:
    """The line that turns the page, under its number and under each of its words."""
    return [Option(number, word, ["command", command, *arguments]) for word in talk.world.lexicon.words["more"]]


def labels(lexicon: Lexicon, *choice_sets: str) -> dict[str, dict[str, str]]:
    """What templates need to say keys in words: choice set -> key -> label."""
    return {name: dict(lexicon.options(name)) for name in choice_sets}
