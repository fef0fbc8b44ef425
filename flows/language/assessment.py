"""How hard a household's means are: what the points of an officer's answers add up to, of at most 100.

The questions with their points are config/assessment.toml. The sum is shown beside the officer's own word and
decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """``questions``: question -> answer -> points. ``people``: from so many in the household on, so many points."""

    questions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    people: Mapping[int, int] = field(default_factory=dict)

    def score(self, answers: Mapping[str, Any]) -> int:
        """Of the answers that are there; each is a key of its question, and ``people`` a number."""
        told = sum(points[answers[name]] for name, points in self.questions.items() if name in answers)
        reached = [points for least, points in self.people.items() if answers.get("people", 0) >= least]
        return told + max(reached, default=0)

    @property
    def most(self) -> int:
        return sum(max(points.values()) for points in self.questions.values()) + max(self.people.values(), default=0)
