"""Define the kinds of notifications: who may turn one off, which WeChat template carries it, and what it offers.

A kind is declared by the room whose event it reports (models/ROOM/notification_kinds.py) and has the name of its
template, templates/notifications/ROOM/KIND.txt, which holds its words; the labels of its offers are in
config/choices.toml.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any


class Standing(StrEnum):
    """The weight of a kind. ``legal`` and ``money`` cannot be turned off, since a right or a sum depends on them."""

    LEGAL = "legal"
    MONEY = "money"
    SERVICE = "service"
    WORK = "work"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Offer:
    """A numbered choice under a push. ``do``: a command's name and the names of the facts that are its arguments.

    The fact ``topic`` is the kind's own topic. ``name`` has its label in config/choices.toml under ``push_offer``.
    """

    name: str
    do: tuple[str, ...]


LOOK = Offer("look", ("view_appeal", "number"))
PLEDGE_AGAIN = Offer("pledge_again", ("pledge", "number"))
NO_MORE = Offer("no_more", ("mute_appeal", "number", "topic"))
MY_GIFTS = Offer("my_gifts", ("my_pledges",))
TODO = Offer("todo", ("todo",))


@dataclass(frozen=True, slots=True)
class Kind:
    """``card``: the account's template (config/push.toml) that carries it when a plain message cannot be sent.

    ``topic``: what a person turns off to get no more of it; empty where it cannot be turned off.
    ``urgent``: sent at night too. ``marketing``: WeChat forbids it as a template message.
    ``running``: a new one replaces an unread one about the same thing, and at least this time passes between two.
    ``join``: joins the facts of both, called with the older's first; without it the newer's are kept alone.
    ``brief``: the card says too little, so the full words also come with the reply to the person's next message.
    ``awaited``: it answers the person's last message. Its choices show even amid a question, only beside its words (no
    card has them), and count only if nothing was said since the fact ``since`` (epoch seconds).
    """

    standing: Standing
    card: str
    topic: str = ""
    offers: tuple[Offer, ...] = field(default=())
    urgent: bool = False
    marketing: bool = False
    running: timedelta | None = None
    join: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] | None = None
    brief: bool = False
    awaited: bool = False

    def offered(self, facts: Mapping[str, Any]) -> tuple[Offer, ...]:
        """Return what a push with these facts offers: nobody is asked to give again to an appeal that is ``closed``."""
        closed = facts.get("closed")
        return tuple(MY_GIFTS if closed and offer == PLEDGE_AGAIN else offer for offer in self.offers)

    def __post_init__(self) -> None:
        if self.topic and self.standing in (Standing.LEGAL, Standing.MONEY):
            raise ValueError("legal and money notices cannot be turned off")


# The topics that a person can turn off, in the order of the list they read; labels: config/choices.toml, "topic".
TOPICS = ("progress", "gifts", "matches", "calls", "digest", "reminders", "messages")


def join_count(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {**now, "count": before["count"] + now["count"]}


# A step in a matter of the person's own: the full words follow with the next message, even when a card was sent.
legal = partial(Kind, standing=Standing.LEGAL, card="progress", brief=True)
# The same, but urgent: another person may be acting in their name.
safety = partial(legal, urgent=True)
to_staff = partial(Kind, standing=Standing.WORK, card="progress")


class Kinds(Mapping[str, Kind]):
    """Every kind by its name. ``models.wiring`` declares the rooms' kinds here when a program starts."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._rooms: dict[str, str] = {}

    def declare(self, room: str, kinds: Mapping[str, Kind]) -> None:
        """Add a room's kinds; again changes nothing. Raises ValueError where another room has a kind of that name."""
        for name, kind in kinds.items():
            if self._rooms.setdefault(name, room) != room:
                raise ValueError(f"{room} and {self._rooms[name]} both declare the kind {name}")
            self._kinds[name] = kind

    def room_of(self, name: str) -> str:
        self._check()
        return self._rooms[name]

    def __getitem__(self, name: str) -> Kind:
        self._check()
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        self._check()
        return iter(self._kinds)

    def __len__(self) -> int:
        self._check()
        return len(self._kinds)

    def _check(self) -> None:
        """Raises RuntimeError while the table is empty, where every kind would seem unknown."""
        if not self._kinds:
            raise RuntimeError("no notification kinds are declared: call models.wiring.wire() where the program starts")


KINDS = Kinds()


def template_of(kind: str) -> str:
    """Name the template that holds a kind's words."""
    return f"notifications/{KINDS.room_of(kind)}/{kind}"
