"""Fold sentences so that two ways of saying one thing look alike: dialect, synonyms, fillers and numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from flows.language.wording import plain, simplified

# Stands for any number.
NUMBER = "#"
# No word reaches across a pause (麻烦问一下，单号多少 does not say 下单).
_PAUSES = re.compile(r"[,。.!?;:、…~]+")
_NO_WORDS = re.compile(r"[^0-9a-z\u4e00-\u9fff\n]+")
_REPEATED = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True)
class Folding:
    """``same``: the word that is kept -> the words that it stands for. ``filler``: words that say nothing.

    ``figures``: the characters of written numbers, which count as one before a character of ``units``.
    """

    same: Mapping[str, Sequence[str]] = field(default_factory=dict)
    filler: Sequence[str] = ()
    figures: str = ""
    units: str = ""

    def fold(self, text: str) -> str:
        """Return the sentence's core: simplified characters, one word for one thing, no punctuation, no fillers.

        Empty where the text has no word at all (an emoji, a question mark).
        """
        words = _REPEATED.sub(r"\1\1", _NO_WORDS.sub("", _PAUSES.sub("\n", plain(simplified(text)))))
        words = self._synonyms.sub(lambda found: self._kept[found[0]], words)
        core = self._fillers.sub("", words).replace("\n", "")
        return self._numbers.sub(NUMBER, core or words.replace("\n", ""))

    @cached_property
    def _kept(self) -> dict[str, str]:
        return {plain(simplified(word)): kept for kept, words in self.same.items() for word in words}

    @cached_property
    def _synonyms(self) -> re.Pattern[str]:
        return _any_of(self._kept)

    @cached_property
    def _numbers(self) -> re.Pattern[str]:
        written = f"|[{self.figures}]+(?=[{self.units}])" if self.figures else ""
        return re.compile(rf"[0-9]+(?:\.[0-9]+)?{written}")

    @cached_property
    def _fillers(self) -> re.Pattern[str]:
        return _any_of(self.filler)


def _any_of(words: Sequence[str] | Mapping[str, str]) -> re.Pattern[str]:
    """Match any of the words, the longest first; without words, nothing."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)")
