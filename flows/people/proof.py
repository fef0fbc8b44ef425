"""Ask for figures that prove who has the phone in the hand, or take instead that the person cannot say them.

A right answer proves it for a quarter of an hour; a wrong one counts even if the conversation is dropped.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.proxy.common import Figures
from flows.readers import Choice
from flows.readers.base import Accepted, Asking, Reading, Rejected
from models.core.refusal import Refusal

# A right answer proves who has the phone in the hand now, not tomorrow.
_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class FiguresOr(Figures):
    """Value: figures, or ``instead``: a numbered line of the choice set ``cannot``, or its words. Codes: of Figures.

    ``waits``: how long who takes that line waits. ``told``: an answer that only a command gives, and nobody reads.
    """

    cannot: str = ""
    instead: str = ""
    waits: timedelta = timedelta()
    told: str = ""

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(self.instead) if self.exact(text, asking) else super().read_words(text, asking)

    def exact(self, text: str, asking: Asking) -> str | None:
        return Choice(self.cannot).exact(text, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value and value in (self.instead, self.told) else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        if value == self.instead:
            return Choice(self.cannot).shown(value, world)
        return "" if value == self.told else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        hours = self.waits // timedelta(hours=1)
        return {**super().facts(asking), **Choice(self.cannot).facts(asking), "hours": hours}


def prove(
    turn: TurnContext, draft: Draft, step: str, instead: Collection[str], check: Callable[[str], None], stale: Refusal
) -> None:
    """Check the figures as soon as they are answered. ``check`` raises a refusal where they are wrong, and counts it.

    ``instead``: the answers that prove nothing. Raises ``stale`` where they were found right too long ago: who has the
    phone in the hand now says them again.
    """
    said = draft.answers.get(step)
    if said is None or said in instead or is_proved(turn, draft, step):
        return
    if draft.given.pop("right", None) == said:
        raise stale
    check(str(said))
    draft.given |= {"right": said, "right_at": turn.world.now.timestamp()}


def is_proved(turn: TurnContext, draft: Draft, step: str) -> bool:
    """Tell whether the figures that the draft holds were found right a moment ago."""
    fresh = turn.world.now.timestamp() - float(draft.given.get("right_at", 0)) < _LASTS.total_seconds()
    return fresh and draft.given.get("right") == draft.answers.get(step)
