"""Define what a flow may know of the world; it comes in with each message, so that the engine itself stays pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flows.language.lexicon import Lexicon
from models.core.calendar import CHINA
from models.notifications.subscription import NO_TEMPLATES, SubscriptionTemplates


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the tree: 12-digit code, its own name, and the names from the province down.

    ``gone``: it has ended; ``successor`` is the region of today that replaces it, if any.
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
    """Return no address, where the program serves no pages."""
    return ""


def no_region(code: str) -> Region | None:
    """Return no region, where there is no tree."""
    return None


@dataclass(frozen=True, slots=True)
class World:
    now: datetime
    lexicon: Lexicon
    find_regions: Callable[[str], Sequence[Region]]
    """Typed or labelled place -> matching regions, widest first, at most nine; former names are found too."""
    link: Callable[[str, str], str] = no_link
    """Kind of page and what it shows -> its address; empty where there are no pages.

    ``pictures`` with ``appeal:12``: for the staff member of this turn. ``subscribe`` (the second argument is
    ignored): for the person of this turn. ``pay`` with ``pledge:12``: for the donor, who proves it on the page.
    ``parcel`` with ``offer:5`` or ``user:7``: for the donor, for an hour. ``thanks`` with
    ``goods_thanks:3``: for the donor, for an hour. ``notices`` with a region's code: for everybody.
    """

    region: Callable[[str], Region | None] = no_region
    """Code -> the region as it is now; None where there is none."""

    subscriptions: SubscriptionTemplates = NO_TEMPLATES
    """The subscription templates that people can consent to; none where the account has none."""

    collects: bool = False
    """PAY_MODE=on: pledges are paid; else a pledge is a recorded promise."""

    recogniser: str = ""
    """The speech recogniser's name, as consents show it; empty without SPEECH_URL: voices are not recognised then."""

    @property
    def today(self) -> date:
        """The date in China."""
        return self.now.astimezone(CHINA).date()
