"""A fault is one line of the code or of a template that an engineer might get wrong, and what that would break."""

import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LISTED = ROOT / "tests" / "faults.toml"


class NotOnce(ValueError):
    """The old line does not stand exactly once in its file: the code has moved on, and the fault has to."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``old`` and ``new`` are whole lines without their indentation.

    ``room``: whose tests should notice. ``test``: the file of tests, or the transcript, that did the last time.
    """

    room: str
    file: str
    old: str
    new: str
    breaks: str
    test: str

    @property
    def key(self) -> str:
        """The same fault in a file that was moved is the same."""
        return sha256(f"{self.old}\n{self.new}\n{self.breaks}".encode()).hexdigest()[:16]

    def put_into(self, text: str) -> str:
        """Raises NotOnce."""
        lines = text.split("\n")
        found = [place for place, line in enumerate(lines) if line.strip() == self.old]
        if len(found) != 1:
            raise NotOnce(f"{self.file} has {len(found)} times: {self.old}")
        line = lines[found[0]]
        lines[found[0]] = line[: len(line) - len(line.lstrip())] + self.new
        return "\n".join(lines)


def read_faults() -> list[Fault]:
    return [Fault(**each) for each in tomllib.loads(LISTED.read_text(encoding="utf-8"))["fault"]]
