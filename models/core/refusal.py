"""Define refusals: each names the words that the person reads, and the facts those words need.

A refusal is an expected answer, not a failure: the turn renders
``templates/replies/refusals.txt`` (the macro named by ``code``) and keeps the
person at the same step.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """The base of all refusals. ``code`` names the macro; ``step`` (optional) names the flow step to ask again.

    ``final``: no other answer can put it right, so the draft that it refuses is dropped.

    ``ways``: commands with their arguments, which the words offer as numbers 1, 2 …
    """

    code: ClassVar[str] = "refused"
    step: ClassVar[str | None] = None
    final: ClassVar[bool] = False

    def __init__(self, *, ways: tuple[tuple[str, ...], ...] = (), **values: Any) -> None:
        super().__init__(self.code)
        self.values = values
        self.ways = ways
