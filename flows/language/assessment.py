"""Score a household's need by an officer's answers to the visit's questions: at most 100 points.

The questions with their points are in config/assessment.toml. The score is shown beside the officer's own judgement
and decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """``questions``: question -> answer -> points. ``people``: from this household size on -> points."""

    questions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    people: Mapping[int, int] = field(default_factory=dict)

    def score(self, answers: Mapping[str, Any]) -> int:
        """Add up the points of the answers given: each is a key of its question, and ``people`` a number."""
        told = sum(points[answers[name]] for name, points in self.questions.items() if name in answers)
        reached = [points for least, points in self.people.items() if answers.get("people", 0) >= least]
        return told + max(reached, default=0)

    @property
    def most(self) -> int:
        return sum(max(points.values()) for points in self.questions.values()) + max(self.people.values(), default=0)
