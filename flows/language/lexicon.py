"""Every word that is matched against what a person types, as loaded from config/.

The files are read by ``bot``; flows and handlers only ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flows.language.assessment import Scale
from flows.language.wording import plain


@dataclass(frozen=True, slots=True)
class Price:
    """What one usually costs: ``per`` are the words after a number that count it."""

    per: tuple[str, ...]
    low_fen: int
    high_fen: int


@dataclass(frozen=True, slots=True)
class Thing:
    """``one``: where no number is written it is one."""

    words: tuple[str, ...]
    one: bool
    prices: tuple[Price, ...]


@dataclass(frozen=True)
class Norms:
    """What is usual (config/norms.toml), to tell what is worth a second look; all words as ``plain`` folds them."""

    things: tuple[Thing, ...] = ()
    tails: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()

    @cached_property
    def named(self) -> Mapping[str, Thing]:
        return {word: thing for thing in self.things for word in thing.words}

    @cached_property
    def units(self) -> tuple[str, ...]:
        return tuple({unit for thing in self.things for price in thing.prices for unit in price.per})


@dataclass(frozen=True)
class Lexicon:
    """``words``: name -> words meaning it. ``choices``: set -> key -> (label, synonym ...)."""

    words: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, Mapping[str, tuple[str, ...]]]
    norms: Norms = Norms()
    scale: Scale = field(default_factory=Scale)
    """The points of an officer's assessment."""
    sorts: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Category of goods -> what sort it is -> words for it (flows.language.sorts)."""

    def means(self, name: str, text: str) -> bool:
        """Is this text exactly one of the words called ``name``?"""
        return plain(text) in self.words[name]

    def options(self, choice_set: str) -> list[tuple[str, str]]:
        """The keys of a choice set with their labels, in the order they are shown."""
        return [(key, labels[0]) for key, labels in self.choices[choice_set].items()]

    def label(self, choice_set: str, key: str) -> str:
        return self.choices[choice_set][key][0]

    def pick(self, choice_set: str, text: str) -> str | None:
        """The key whose label or synonym this text is, exactly."""
        return self._picks[choice_set].get(plain(text))

    @cached_property
    def _picks(self) -> dict[str, dict[str, str]]:
        return {
            name: {plain(label): key for key, labels in options.items() for label in labels}
            for name, options in self.choices.items()
        }
