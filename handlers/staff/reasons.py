"""Prepare decisions: recuse an officer with a conflict of interest, and ask for the reasons of a no."""

import re

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.numerals import ordinal
from flows.staff import recusal
from handlers.routing.talk import Talk
from handlers.staff.seat import parse_reference, staff_of
from handlers.staff.subject_actions import actions_for
from handlers.staff.todo import todo

# Separators that people put between several reasons.
_BETWEEN = r"[\s,，、;；]+"


def recuse_first(talk: Talk, reference: str) -> Answer | None:
    """Recuse an officer with a conflict of interest, and answer so; None without. No refusal, which would undo it."""
    return recusal.recuse_and_answer(talk.turn, staff_of(talk), *parse_reference(reference))


def with_reasons(talk: Talk, command: str, reference: str, words: str) -> Answer:
    """Decide with the reasons given; without known ones, list the reasons, whose numbers then decide."""
    if not reference:
        return todo(talk)
    recused = recuse_first(talk, reference)
    if recused:
        return recused
    actions, number = actions_for(talk, reference)
    decision = actions.reasoned[command]
    reasons = _reasons(talk, decision.reasons, words)
    if reasons:
        return decision.decide(talk, staff_of(talk), number, reasons)
    actions.check(talk, staff_of(talk), command, number)
    listed = talk.world.lexicon.options(decision.reasons)
    options = [Option(n, "", ["command", command, reference, key]) for n, (key, _) in enumerate(listed, 1)]
    values = {
        "command": command,
        "subject": actions.subject,
        "kind": actions.kind(talk.turn.db, number),
        "id": number,
        "lines": [(n, label) for n, (_, label) in enumerate(listed, 1)],
        "unknown": bool(words),
    }
    return Answer([Say("replies/staff/which_reason", None, values)], options)


def _reasons(talk: Talk, choice_set: str, words: str) -> list[str]:
    """Read several reasons by key, label or number of the list; none when one of them is not known."""
    keys = [key for key, _ in talk.world.lexicon.options(choice_set)]
    joins = "|".join(map(re.escape, talk.world.lexicon.words["joins"]))
    found = []
    for word in filter(None, re.split(f"{_BETWEEN}|{joins}", words)):
        number = ordinal(word)
        key = word if word in keys else talk.world.lexicon.pick(choice_set, word)
        if key is None and number is not None and 1 <= number <= len(keys):
            key = keys[number - 1]
        if key is None:
            whole = talk.world.lexicon.pick(choice_set, words)
            return [whole] if whole else []
        found.append(key)
    return list(dict.fromkeys(found))
