"""Define what a check reports when the books are wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule (``code``) and the row that breaks it. ``words``: for operators, with ids and no personal data."""

    code: str
    subject: str
    subject_id: int
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.subject} {self.subject_id} {self.words}"
