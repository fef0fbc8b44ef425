"""Read the day by which a thing is needed: 不急, 三天内, 月底前, 过年前, or a date."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flows.engine.world import World
from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from flows.readers.numbers.dates import DateFinder
from flows.readers.numbers.day import Day
from flows.readers.numbers.day_names import DayNames
from flows.readers.words_reader import WordsReader

# The choice of a thing that is not needed by any day; the other choices are numbers of days.
ANY_DAY = "any"


@dataclass(frozen=True)
class NeedBy(WordsReader):
    """Value: an ISO date from tomorrow up to ``latest`` days on, or ``any``.

    ``choice_set``: numbered choices, whose keys are days from today, and ``any``. A day by its name that may be
    several days is asked back (macro ``which``); one that is clear is taken, as the review shows it as a date.
    Facts: ``options``, and ``earliest`` and ``latest`` as of Day. Codes: those of Day.
    """

    choice_set: str
    latest: int

    @property
    def _day(self) -> Day:
        return Day(earliest=1, latest=self.latest)

    @property
    def codes(self) -> tuple[str, ...]:
        return self._day.codes

    @property
    def speaks(self) -> tuple[str, ...]:
        return self._day.speaks

    def read_words(self, text: str, asking: Asking) -> Reading:
        value = self.exact(text, asking)
        if value is not None:
            return Accepted(value)
        found = _days(text, asking.world.today, asking.world.lexicon)
        faults = {day.isoformat(): self.check(day.isoformat(), asking) for day in found}
        fitting = [day for day, fault in faults.items() if fault is None]
        if len(fitting) == 1:
            return Accepted(fitting[0])
        if fitting:
            return Offer(tuple((text.strip(), day) for day in fitting))
        return next((fault for fault in faults.values() if fault), Rejected("not_date"))

    def exact(self, text: str, asking: Asking) -> str | None:
        """Return the answer that this text picks from the list on the screen; None where it picks none."""
        lexicon = asking.world.lexicon
        keys, number = list(lexicon.choices[self.choice_set]), numerals.ordinal(text)
        picked = keys[number - 1] if number is not None and 1 <= number <= len(keys) else None
        picked = picked or lexicon.pick(self.choice_set, text)
        if picked is None or picked == ANY_DAY:
            return picked
        return (asking.world.today + timedelta(days=int(picked))).isoformat()

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == ANY_DAY else self._day.check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        """Return the label of ``any``; a date as it is."""
        return world.lexicon.label(self.choice_set, value) if value == ANY_DAY else value

    def facts(self, asking: Asking) -> dict[str, Any]:
        labels = (label for _, label in asking.world.lexicon.options(self.choice_set))
        return {"options": list(enumerate(labels, 1)), **self._day.facts(asking)}


def _days(text: str, today: date, lexicon: Lexicon) -> list[date]:
    """List the days that the words may mean; "before" a day means that day, and "within" days the last of them."""
    names, finder = DayNames(today, lexicon), DateFinder(today, lexicon)
    said = names.bare(text)
    inner = next((said.removesuffix(word) for word in _within(lexicon) if said.endswith(word)), said)
    found = [day for day in (finder.find(inner), finder.find(said)) if day]
    return found[:1] or names.find(inner) or names.find(said)


def _within(lexicon: Lexicon) -> list[str]:
    return sorted((*lexicon.words["within"], *lexicon.words["before_day"]), key=len, reverse=True)
