"""What a flow may know of the world, handed in with each message, so that the engine itself stays pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flows.language.lexicon import Lexicon
from models.core.calendar import CHINA
from models.notifications.subscription import NO_TEMPLATES, Templates


@dataclass(frozen=True, slots=True)
class Region:
    """A row of the region tree: 12-digit code, its own name, and the names from the province down.

    ``gone``: it has ended, and ``successor`` is the region of today that it went into, if any.
    """

    code: str
    name: str
    full_name: str
    gone: bool = False
    successor: "Region | None" = None

    @property
    def today(self) -> "Region":
        return self.successor or self


def no_link(kind: str, what: str) -> str:
    """Where there are no pages: nothing."""
    return ""


def no_region(code: str) -> Region | None:
    """Where there is no tree: none."""
    return None


@dataclass(frozen=True, slots=True)
class World:
    now: datetime
    lexicon: Lexicon
    find_regions: Callable[[str], Sequence[Region]]
    """Typed or labelled place -> matching regions, best first, at most nine; also by a name that is no more."""
    link: Callable[[str, str], str] = no_link
    """Kind of page and what it shows (``pictures``, ``appeal:12``) -> its address, for the staff member who talks
    (``subscribe``, whose ``what`` is not looked at: for anybody who talks);
    of the page to pay a gift at (``pay``, ``pledge:12``), for its donor, who proves it there;
    of a page for everybody (``notices``, a region's code), for anybody.
    """

    region: Callable[[str], Region | None] = no_region
    """The region of a code, as it is now."""

    subscriptions: Templates = NO_TEMPLATES
    """What people can be asked to consent to; nothing where the account has no such templates."""

    collects: bool = False
    """PAY_MODE=on: a gift is paid; else it is a recorded promise."""

    @property
    def today(self) -> date:
        """The date where the person is."""
        return self.now.astimezone(CHINA).date()
