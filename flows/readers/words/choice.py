"""Read one of a few choices: by its number on the screen, its label, or a synonym."""

from dataclasses import dataclass
from typing import Any

from flows.engine.world import World
from flows.language.numerals import ordinal
from flows.language.wording import plain, simplified
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader

# A longer text is a story.
_LONGEST = 30


@dataclass(frozen=True, init=False)
class Choice(WordsReader):
    """Value: a key of a choice set in config/; of ``keys`` alone, in their order, where some are given.

    Facts: ``options``, the numbered labels. Codes: not_text, not_heard, not_a_choice.
    """

    choice_set: str
    keys: tuple[str, ...]

    def __init__(self, choice_set: str, *keys: str) -> None:
        object.__setattr__(self, "choice_set", choice_set)
        object.__setattr__(self, "keys", keys)

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_a_choice")

    def read_words(self, text: str, asking: Asking) -> Reading:
        key = self.exact(text, asking)
        return Rejected("not_a_choice") if key is None else Accepted(key)

    def exact(self, text: str, asking: Asking) -> str | None:
        """Return the key that this text picks from the list on the screen; None where it picks none."""
        lexicon = asking.world.lexicon
        keys = self._keys(asking)
        number = ordinal(text)
        if number is not None and 1 <= number <= len(keys):
            return keys[number - 1]
        picked = lexicon.pick(self.choice_set, text)
        return picked if picked in keys else None

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value in self._keys(asking) else Rejected("not_a_choice")

    def shown(self, value: Any, world: World) -> Any:
        return world.lexicon.label(self.choice_set, value)

    def facts(self, asking: Asking) -> dict[str, Any]:
        lexicon = asking.world.lexicon
        labels = (lexicon.label(self.choice_set, key) for key in self._keys(asking))
        return {"options": list(enumerate(labels, 1))}

    def _keys(self, asking: Asking) -> tuple[str, ...]:
        return self.keys or tuple(asking.world.lexicon.choices[self.choice_set])


class Agree(Choice):
    """Whether the person agrees. Value: ``yes``; a no is rejected, in words that say what works without it.

    Codes: those of Choice, and not_agreed.
    """

    def __init__(self) -> None:
        super().__init__("agree")

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "not_agreed")

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return super().check(value, asking) or (None if value == "yes" else Rejected("not_agreed"))


class SaidChoice(Choice):
    """A choice that may be made in a sentence: it has a word of one of them, and of no other (孙女上学的学费).

    Not for a consent, nor for anything that is not shown again to be corrected.
    """

    def read_words(self, text: str, asking: Asking) -> Reading:
        reading = super().read_words(text, asking)
        said = self.said(text, asking) if isinstance(reading, Rejected) and len(text) <= _LONGEST else set()
        return Accepted(said.pop()) if len(said) == 1 else reading

    def said(self, text: str, asking: Asking) -> set[str]:
        """Return the keys that the sentence has a word for; a single character is a part of too many words."""
        choices, words = asking.world.lexicon.choices[self.choice_set], plain(simplified(text))
        return {key for key in self._keys(asking) if any(len(word) > 1 and word in words for word in choices[key])}
