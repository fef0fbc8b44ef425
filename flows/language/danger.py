"""Recognise words of suicide and of immediate danger in a text, and whose danger they speak of.

Pure: the phrases are in config/danger.toml. A text is read clause by clause. A phrase of suicide counts for the person
who writes unless it is denied, said of somebody else, quoted, or told of the past; a subject carries over to the next
clause that has none. The reader prefers an alarm to a silence: a mention of another's still brings the numbers.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from flows.language.wording import plain, simplified

# Words that deny a phrase, or say of whom it is, stand at most so many characters before it. Reading all that stands
# before each phrase of a clause would take as long as the square of a text without a stop.
_NEAR = 100
# Without a space, an emoji or a line break, nothing stands between two words that another reading would join.
_UNBROKEN = re.compile(r"[\w，。！？、；：,!?;:]*")
_CLAUSES = re.compile(r"[。.!?;,、…~:\"'“”‘’「」『』()\[\]【】《》—\- ]+")


class Danger(StrEnum):
    SELF = "self"
    """This person may take their life."""
    NOW = "now"
    """Violence, fire, a kidnapping: life is in danger at this moment."""
    MENTION = "mention"
    """Another's suicide, a past one, or a hard time: the numbers help, nobody has to be called."""


class _Subject(StrEnum):
    FIRST = "first"
    SECOND = "second"
    OTHER = "other"
    THING = "thing"


@dataclass(frozen=True)
class DangerWords:
    """The regular expressions of config/danger.toml by group, and ``numbers``: name -> telephone number."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)
    accusations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Those of flows.language.accusation."""
    dialect: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """A word of the expressions -> the words that it stands for."""

    @cached_property
    def found(self) -> Mapping[str, re.Pattern[str]]:
        """Group -> one pattern for any of its expressions. Raises re.error where one of them is none."""
        groups = {**self.phrases, **self.context, **self.people, **self.accusations}
        each = {name: "|".join(f"(?:{one})" for one in listed) for name, listed in groups.items()}
        # A clause is a line, so that ^ and $ are its ends.
        return {name: re.compile(pattern, re.MULTILINE) for name, pattern in each.items()}

    def without_dialect(self, text: str) -> str:
        """Put the expressions' own words for those of a dialect."""
        return self._spoken.sub(lambda found: self._standard[found[0]], text) if self.dialect else text

    @cached_property
    def _standard(self) -> Mapping[str, str]:
        return {word: kept for kept, words in self.dialect.items() for word in words}

    @cached_property
    def _spoken(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._standard, key=len, reverse=True))))

    def check(self) -> None:
        """Raises re.error where an expression is none, or KeyError where a group is missing."""
        _ = self.found, self.own, self.told, self.lost

    @cached_property
    def own(self) -> re.Pattern[str]:
        """The first person, but not as the owner of another (我爸, 我的孩子)."""
        mine = self._any("whose")
        return re.compile(f"(?>{self._any('first')})(?!(?:{mine})(?:{self._any('others')}))")

    @cached_property
    def told(self) -> re.Pattern[str]:
        """The end of a clause after which another is quoted."""
        return re.compile(f"(?:{self._any('others')}).{{0,6}}(?:{self._any('speaks')})$")

    @cached_property
    def lost(self) -> re.Pattern[str]:
        """What is told of another who has left this person behind: the next words are this person's."""
        return re.compile(f"(?:{self._any('others')}|{self._any('things')}).{{0,3}}(?:{self._any('gone')})")

    def _any(self, name: str) -> str:
        listed = {**self.context, **self.people}[name]
        return "|".join(f"(?:{each})" for each in listed)


def find_danger(text: str, words: DangerWords) -> Danger | None:
    """Return the gravest danger that the text speaks of; None where there is none.

    A space usually ends a clause; but some people, and recognisers, put one between any two words.
    """
    found = _read(words.without_dialect(_folded(text)), words)
    if found or _UNBROKEN.fullmatch(text):
        return found
    return _read("\n".join(words.without_dialect(_joined(_folded(line))) for line in text.splitlines()), words)


def _read(folded: str, words: DangerWords) -> Danger | None:
    whole = _CLAUSES.sub("\n", folded)
    if not any(words.found[name].search(whole) for name in words.phrases):
        return None
    clauses = words.found["sayings"].sub("", whole).split("\n")
    over, past = (words.found[name].search(whole) is not None for name in ("aftermath", "past"))
    found: set[Danger] = set()
    subject, quoted = _Subject.FIRST, False
    for clause in filter(None, clauses):
        whose = _Subject.OTHER if quoted else subject
        found |= _dangers(clause, words, whose, quoted=quoted, over=over, past=past)
        if Danger.SELF in found:
            break
        quoted = _is_told(clause, words)
        last = _subject(clause, words, subject)
        subject = last if last in (_Subject.FIRST, _Subject.OTHER) else subject
    return next((danger for danger in Danger if danger in found), None)


def _folded(text: str) -> str:
    folded = plain(simplified(text))
    # Old phones and some people put a space after every character.
    return _joined(folded) if all(len(token) == 1 for token in folded.split(" ")) else folded


def _joined(folded: str) -> str:
    return "".join(ch for ch in folded if ch != " " and unicodedata.category(ch) != "So")  # and without emoji


def _dangers(
    clause: str, words: DangerWords, subject: _Subject, *, quoted: bool, over: bool, past: bool
) -> set[Danger]:
    """Return the dangers of one clause. ``subject``: the one that carries over from the clause before.

    ``over``, ``past``: something in the text tells of an end, or of earlier days.
    """
    groups, dangers = words.found, set()
    earlier, hearsay = groups["past"].search(clause), groups["hearsay"].search(clause)
    if not (past or earlier or over or hearsay):
        dangers |= {Danger.NOW for match in groups["now"].finditer(clause) if not _is_denied(clause, match, words)}
    for match in groups["self"].finditer(clause):
        if _is_denied(clause, match, words):
            continue
        whose = _Subject.OTHER if quoted else _subject(_near(clause, match), words, subject)
        about = groups["about"].match(clause, match.end())
        if whose in (_Subject.FIRST, _Subject.OTHER):
            own = whose is _Subject.FIRST and not (earlier or hearsay or about)
            dangers.add(Danger.SELF if own else Danger.MENTION)
        if Danger.SELF in dangers:
            break
    for match in () if over else groups["mention"].finditer(clause):
        whose = _subject(_near(clause, match), words, subject)
        if whose in (_Subject.FIRST, _Subject.OTHER) and not _is_denied(clause, match, words):
            dangers.add(Danger.MENTION)
    return dangers


def _near(clause: str, match: re.Match[str]) -> str:
    """Return what stands before the phrase, as far as it can be about it."""
    return clause[max(match.start() - _NEAR, 0) : match.start()]


def _is_denied(clause: str, match: re.Match[str], words: DangerWords) -> bool:
    return words.found["negations"].search(_near(clause, match)) is not None


def _is_told(clause: str, words: DangerWords) -> bool:
    """Tell whether the clause introduces the words of another."""
    return words.told.search(clause) is not None


def _subject(before: str, words: DangerWords, inherited: _Subject) -> _Subject:
    """Tell of whom these words speak at their end, by the last person that they name; ``inherited`` if they name none.

    One who is only with this person (带着孩子), or has left them (孩子没了), does not take their place.
    """
    first = _last(words.own, before)
    there = words.lost.sub(lambda gone: "-" * len(gone[0]), before)
    other, second, thing = (_last(words.found[name], there) for name in ("others", "second", "things"))
    named = [each for each in (first, other, second, thing) if each]
    latest = max(named, key=lambda each: each.start(), default=None)
    if latest is None:
        return inherited
    if latest is first:
        return _Subject.OTHER if words.told.search(before[: latest.start()]) else _Subject.FIRST
    between = before[first.end() if first else 0 : latest.start()]
    if not words.found["tells"].search(between) and _ends_with(words.found["beside"], between):
        return _Subject.FIRST if first else inherited
    if latest is second and first and not words.found["tells"].search(between):
        return _Subject.FIRST
    if latest is thing:
        return _Subject.THING
    return _Subject.OTHER if latest is other else _Subject.SECOND


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=lambda match: match.start(), default=None)


def _ends_with(pattern: re.Pattern[str], text: str) -> bool:
    return any(match.end() == len(text) for match in pattern.finditer(text))
