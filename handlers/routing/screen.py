"""Answer without taking away what stands on the person's screen."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk

# The macros are the intents that have an answer of their own.
ANSWERS = "replies/routing/intents"
# The intent that leads to a person; it ends every list of guesses.
PERSON = "human"


def stand(talk: Talk, says: list[Say], ways: Sequence[str], outcome: str, answer: str = "") -> Answer:
    """Answer without taking anything away: repeat what stands on the screen, and number the ways after it.

    ``ways``: intents; they replace those that an earlier answer of this kind added. ``answer``: the intent whose answer
    is shown, with the ways as its lines.
    """
    first = max((option.number for option in talk.session.choices), default=0) + 1
    options = [option_for(talk, number, name) for number, name in enumerate(ways, first)]
    lines = [(option.number, option.label) for option in options]
    if answer:
        says = [*says, Say(ANSWERS, answer, {"v": answer_facts(talk, lines)})]
    elif lines:
        says = [*says, Say("replies/routing/ways", None, {"lines": lines})]
    again = standing(talk) if talk.session.choices or not options else []
    return Answer([*says, *again], options, outcome, keeps_screen=True)


def standing(talk: Talk) -> list[Say]:
    """Repeat the numbered lines on the screen; nothing where there are none."""
    lines = talk.session.screen.shown_lines() if talk.session.screen else []
    return [Say("replies/routing/standing", None, {"lines": lines})] if lines else []


def option_for(talk: Talk, number: int, name: str) -> Option:
    """Make the numbered line of an intent, or of a keyword (``"补照片"`` itself is its label)."""
    intent = talk.world.lexicon.intents.table.get(name)
    if intent is None:
        return Option(number, name, ["say", name])
    return Option(number, intent.label, ["command", "answer", name])


def answer_facts(talk: Talk, lines: list[tuple[int, str]]) -> dict[str, object]:
    """Return what the answers' templates may say: the numbered ways, whether gifts are paid here and voices heard."""
    return {"lines": lines, "collects": talk.world.collects, "hears": bool(talk.world.recogniser)}
