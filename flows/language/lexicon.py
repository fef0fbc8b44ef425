"""Hold every word of config/ that is matched against people's messages.

``bot`` loads the files; flows and handlers only read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flows.language.assessment import Scale
from flows.language.danger import DangerWords
from flows.language.intents import Intents
from flows.language.wording import plain
from models.goods.rules import STRICT, GoodsRules
from models.market.rules import NO_CROPS, MarketRules


@dataclass(frozen=True, slots=True)
class Price:
    """The usual price of one unit (fen). ``per``: the words that name the unit after a number."""

    per: tuple[str, ...]
    low_fen: int
    high_fen: int


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing with usual prices. ``one``: without a number, one of it is meant."""

    words: tuple[str, ...]
    one: bool
    prices: tuple[Price, ...]


@dataclass(frozen=True)
class Norms:
    """Usual prices and odd words (config/norms.toml), by which appeals are flagged; all words folded by ``plain``."""

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
    """``words``: name -> words that mean it. ``choices``: set -> key -> (label, synonym ...)."""

    words: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, Mapping[str, tuple[str, ...]]]
    norms: Norms = Norms()
    scale: Scale = field(default_factory=Scale)
    """The points of an officer's assessment."""
    sorts: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Category of goods -> sort -> words for it (flows.language.sorts)."""
    belonging: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Category of goods -> words for things that belong to it (flows.language.sorts)."""
    danger: DangerWords = field(default_factory=DangerWords)
    """Words of suicide, danger and fraud, and the numbers to call (flows.language.danger)."""
    intents: Intents = field(default_factory=Intents)
    """What people mean by sentences that are no words of the above."""
    solar_days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Month and day of the common calendar (10-01) -> names of the day."""
    lunar_days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The same of the lunar calendar."""

    goods: GoodsRules = STRICT
    """The figures by which goods and listings are looked at (config/goods.toml)."""
    market: MarketRules = NO_CROPS
    """The figures by which households sell what they grow (config/market.toml)."""

    def means(self, name: str, text: str) -> bool:
        """Tell whether the text is exactly one of the words called ``name``."""
        return plain(text) in self.words[name]

    def options(self, choice_set: str) -> list[tuple[str, str]]:
        """List the keys of a choice set with their labels, in the order in which they are shown."""
        return [(key, labels[0]) for key, labels in self.choices[choice_set].items()]

    def label(self, choice_set: str, key: str) -> str:
        return self.choices[choice_set][key][0]

    def pick(self, choice_set: str, text: str) -> str | None:
        """Return the key of which the text is exactly the label or a synonym; None where there is none."""
        return self._picks[choice_set].get(plain(text))

    @cached_property
    def _picks(self) -> dict[str, dict[str, str]]:
        return {
            name: {plain(label): key for key, labels in options.items() for label in labels}
            for name, options in self.choices.items()
        }
