"""Understand a sentence that is no keyword: find what people usually mean by one like it (config/intents.toml).

Only looking is ever done at once. A sentence that no intent is clearly meant by leaves two or three to choose from, or
none. Danger is recognised before, and apart from this (flows.language.danger).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from flows.language.classifier import Classifier, Guess
from flows.language.folding import Folding

MOST_LIKELY = 3
# The class of sentences that mean nothing here: small talk, weather, letters without sense.
_NOTHING = "nothing"
# A longer text is no question but a story, of which a person should read the whole.
_LONGEST = 60
# A guess below these is none; above the second pair it is clear. In units of flows.language.classifier.Guess, where
# the margin is that of the best guess over the next. Found by sentences that stand in no table.
_LEAST_SCORE, _LEAST_LIKENESS = 4.0, 0.12
_CLEAR_LIKENESS, _CLEAR_MARGIN = 0.45, 6.0
# So few characters are alike too easily: they are clear only when nearly all of them are.
_SHORT, _SHORT_LIKENESS = 3, 0.9


@dataclass(frozen=True, slots=True)
class Intent:
    """What people may mean. ``command`` runs; without one, the intent's answer is shown.

    ``ways``: the intents that its answer offers as numbers. ``at_once``: a clear match runs it, for it only shows
    something. ``small_talk``: it answers no question, and so is no reason to repeat one.
    """

    label: str
    says: tuple[str, ...]
    command: str = ""
    ways: tuple[str, ...] = ()
    at_once: bool = False
    small_talk: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """``likely``: at most three intents, the likeliest first. ``clear``: the first one is surely meant."""

    likely: tuple[str, ...] = ()
    clear: bool = False


@dataclass(frozen=True)
class Intents:
    table: Mapping[str, Intent] = field(default_factory=dict)
    folding: Folding = field(default_factory=Folding)
    nothing: Sequence[str] = ()

    def prepare(self) -> None:
        """Learn the sentences now, which takes some tenths of a second, and not in the first turn that needs them."""
        _ = self._classifier

    def meaning_of(self, text: str) -> Meaning:
        """Say what the sentence means; nothing for one without words, or one that is too long to be a question."""
        if len(text) > _LONGEST:
            return Meaning()
        folded = self.folding.fold(text)
        guesses = self._classifier.rank(folded) if folded else []
        if not guesses or guesses[0].name == _NOTHING:
            return Meaning()
        likely = [guess for guess in guesses if guess.name != _NOTHING and _counts(guess)][:MOST_LIKELY]
        return Meaning(tuple(guess.name for guess in likely), bool(likely) and _is_clear(folded, guesses))

    @cached_property
    def _classifier(self) -> Classifier:
        sentences = {name: intent.says for name, intent in self.table.items()} | {_NOTHING: tuple(self.nothing)}
        return Classifier({name: [self.folding.fold(each) for each in says] for name, says in sentences.items()})


def _counts(guess: Guess) -> bool:
    return guess.score >= _LEAST_SCORE and guess.likeness >= _LEAST_LIKENESS


def _is_clear(folded: str, guesses: Sequence[Guess]) -> bool:
    best, *others = guesses
    margin = best.score - others[0].score if others else best.score
    wanted = _SHORT_LIKENESS if len(folded) <= _SHORT else _CLEAR_LIKENESS
    return best.likeness >= wanted and margin >= _CLEAR_MARGIN
