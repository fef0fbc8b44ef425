"""What a check says when the books are wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """``code`` says which rule, ``subject`` and ``subject_id`` which row; ``words`` are for operators, of ids alone."""

    code: str
    subject: str
    subject_id: int
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.subject} {self.subject_id} {self.words}"
