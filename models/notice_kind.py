"""What kinds of notices there are: who may turn one off, which message of WeChat carries it, and what it offers.

A kind is named like its template below templates/notices, and by nothing else;
its words are there, the labels of what it offers in config/choices.toml.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Standing(StrEnum):
    """``legal`` and ``money``: nobody can turn these off, since a right or a sum hangs on them."""

    LEGAL = "legal"
    MONEY = "money"
    SERVICE = "service"
    WORK = "work"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Offer:
    """A numbered choice under a push. ``do`` is a command's name and the names of the facts that it is given.

    ``name`` is among config/choices.toml's ``push_offer``, which has its label.
    """

    name: str
    do: tuple[str, ...]


LOOK = Offer("look", ("view_appeal", "number"))
PLEDGE_AGAIN = Offer("pledge_again", ("pledge", "number"))
NO_MORE = Offer("no_more", ("mute_appeal", "number"))


@dataclass(frozen=True, slots=True)
class Kind:
    """``card``: the name of the account's template (config/push.toml) that carries it when words cannot.

    ``topic``: what a person turns off to get no more of it; empty where nobody can.
    ``urgent``: also at night. ``marketing``: WeChat forbids it as a template message.
    ``running``: the newest of it replaces an older one about the same thing that has not gone out yet, and so long
    must pass between two.
    """

    standing: Standing
    card: str
    topic: str = ""
    offers: tuple[Offer, ...] = field(default=())
    urgent: bool = False
    marketing: bool = False
    running: timedelta | None = None

    def __post_init__(self) -> None:
        if self.topic and self.standing in (Standing.LEGAL, Standing.MONEY):
            raise ValueError("legal and money notices cannot be turned off")


# What a person can turn off, in the order in which it is listed to them; labels: config/choices.toml, "topic".
TOPICS = ("progress", "gifts", "matches", "calls", "digest", "reminders")

_STEP = Kind(Standing.LEGAL, "progress")
_WORK = Kind(Standing.WORK, "task")
_SAFETY = Kind(Standing.LEGAL, "progress", urgent=True)

KINDS: dict[str, Kind] = {
    "appeal_moved": _STEP,
    "appeal_opened": _STEP,
    "appeal_overdue": _STEP,
    "card_bound": _SAFETY,
    "card_issued": _SAFETY,
    "card_void": _WORK,
    "case_ends_soon": _STEP,
    "case_moved": _STEP,
    "code_void": _SAFETY,
    "handed_over": _WORK,
    "objection_decided": _STEP,
    "pledged": Kind(Standing.SERVICE, "progress", topic="gifts", running=timedelta(hours=6)),
    "proxied_moved": _WORK,
    "proxy_acted": _SAFETY,
    "proxy_denied": _WORK,
    "proxy_own_card": _WORK,
    "revision_decided": _STEP,
    "sheet_lost": _WORK,
    "staff_bound": _WORK,
    "staff_confirmed": _WORK,
    "staff_moved": _WORK,
    "task_assigned": _WORK,
    "task_overdue": _WORK,
    "ticket_answered": Kind(Standing.SERVICE, "progress"),
    "wanted": Kind(Standing.SERVICE, "progress", topic="matches"),
}
