"""Answer a sentence that is no keyword and no number: what it clearly asks for, or the likeliest choices.

Only what shows something runs at once. What stood on the screen stays answerable under every answer here.
"""

from collections.abc import Sequence

from flows.engine.draft_choices import list_drafts
from flows.engine.flow import Answer, Say
from handlers.routing import menu
from handlers.routing.dispatch import aside, run_command
from handlers.routing.screen import ANSWERS, PERSON, answer_facts, stand, standing
from handlers.routing.talk import Talk

# Commands that bring what is said before officers.
_TO_OFFICERS = {"human", "report"}


def answer_sentence(talk: Talk, text: str) -> Answer:
    """Answer a text that nothing else understood. A word that confirms nothing is not taken for a question."""
    if talk.world.lexicon.means("confirm", text):
        return _nothing_understood(talk)
    meaning = talk.world.lexicon.intents.meaning_of(text)
    if meaning.clear and talk.world.lexicon.intents.table[meaning.likely[0]].at_once:
        return _at_once(talk, meaning.likely[0])
    ways = _likeliest(talk, text, meaning.likely)
    return _offer(talk, ways) if ways else _nothing_understood(talk)


def is_small_talk(talk: Talk, text: str) -> bool:
    """Tell whether the sentence clearly is thanks, a yes or a farewell, to which nobody has to answer."""
    meaning = talk.world.lexicon.intents.meaning_of(text)
    return meaning.clear and talk.world.lexicon.intents.table[meaning.likely[0]].small_talk


def offer_beside(talk: Talk, answer: Answer, text: str) -> Answer:
    """Add to the answer, which leaves the screen as it is, the number of what the sentence clearly asks for.

    Nothing is added that leads to officers again, who read the sentence anyway.
    """
    meaning = talk.world.lexicon.intents.meaning_of(text)
    intent = talk.world.lexicon.intents.table[meaning.likely[0]] if meaning.clear else None
    if intent is None or intent.small_talk or intent.command in _TO_OFFICERS:
        return answer
    return stand(talk, answer.says, [meaning.likely[0]], answer.outcome)


def answer_beside(talk: Talk, text: str) -> Answer | None:
    """Answer a question that the person asks instead of answering ours, and ask ours again.

    None unless the sentence clearly asks for one of the answers that lead nowhere else.
    """
    draft = talk.session.draft
    meaning = talk.world.lexicon.intents.meaning_of(text)
    if draft is None or not meaning.clear:
        return None
    intent = talk.world.lexicon.intents.table[meaning.likely[0]]
    if intent.command or not intent.at_once or intent.small_talk:
        return None
    question = talk.engine.ask(talk.session, draft, talk.world)
    said = Say(ANSWERS, meaning.likely[0], {"v": answer_facts(talk, [])})
    says = [said, *question.says, *standing(talk)]
    return Answer(says, outcome=meaning.likely[0], keeps_screen=True)


def run_intent(talk: Talk, name: str) -> Answer:
    """Do what the intent stands for: run its command, or show its answer with the ways on."""
    intent = talk.world.lexicon.intents.table[name]
    if not intent.command:
        return stand(talk, [], intent.ways, name, answer=name)
    return aside(talk, lambda talk: run_command(talk, intent.command, []))


def _at_once(talk: Talk, name: str) -> Answer:
    """Run what the person did not choose, and say what was understood."""
    answer = run_intent(talk, name)
    intent = talk.world.lexicon.intents.table[name]
    if intent.command:
        answer.says.insert(0, Say("replies/routing/lead", None, {"label": intent.label, "intent": name}))
    return answer


def _nothing_understood(talk: Talk) -> Answer:
    if talk.session.drafts and not talk.session.choices:
        return list_drafts(talk.session, "not_understood")
    return menu.not_understood(talk)


def _offer(talk: Talk, ways: list[str]) -> Answer:
    says = [Say("replies/routing/did_you_mean")]
    return stand(talk, says, [*ways, *([] if PERSON in ways else [PERSON])], "did_you_mean")


def _likeliest(talk: Talk, text: str, likely: Sequence[str]) -> list[str]:
    """Add the keyword that the text may be a misspelling of, unless one of the intents runs its command."""
    table = talk.world.lexicon.intents.table
    word = talk.commands.closest(text)
    command = talk.commands.command_of(word) if word else ""
    if not word or command in {table[name].command for name in likely}:
        return list(likely)
    meant = next((name for name, intent in table.items() if intent.command == command), word)
    return [*likely[:2], meant]
