"""What is known of each fault, a line as soon as it is known, so that a run can be stopped and go on."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """``tree``: the fingerprint of the code that it was found with. ``killer``: the test that failed; None: it lived.

    ``tier``: how far it was looked for, ``fast`` or ``slow``.
    """

    fault: str
    tree: str
    killer: str | None
    tier: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Results:
    file: Path

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)

    def add(self, result: Result) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def of(self, fault: str, tree: str) -> Result | None:
        """The last one with this very code."""
        return next((each for each in self._newest() if (each.fault, each.tree) == (fault, tree)), None)

    def last_killer(self, fault: str) -> str | None:
        """The test that noticed it the last time, in whatever code: it is tried first."""
        return next((each.killer for each in self._newest() if each.fault == fault and each.killer), None)

    def _newest(self) -> Iterator[Result]:
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        return (Result(**json.loads(line)) for line in reversed(lines))
