"""What kinds of notices there are: who may turn one off, which message of WeChat carries it, and what it offers.

A kind is declared by the room whose event it tells (models/ROOM/notification_kinds.py) and named like its template,
templates/notifications/ROOM/KIND.txt, and by nothing else; its words are there, the labels of what it offers in
config/choices.toml.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any


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

    One of these facts, ``topic``, is the kind's own. ``name`` is among config/choices.toml's ``push_offer``, which
    has its label.
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
    """``card``: the name of the account's template (config/push.toml) that carries it when words cannot.

    ``topic``: what a person turns off to get no more of it; empty where nobody can.
    ``urgent``: also at night. ``marketing``: WeChat forbids it as a template message.
    ``running``: the newest of it replaces an older one about the same thing that has not gone out yet, and so long
    must pass between two. ``join``: the facts of both in one, the older's first; else the newest's stand alone.
    ``brief``: its card says too little of it, so the words still stand in the reply to the person's next message.
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

    def __post_init__(self) -> None:
        if self.topic and self.standing in (Standing.LEGAL, Standing.MONEY):
            raise ValueError("legal and money notices cannot be turned off")


# What a person can turn off, in the order in which it is listed to them; labels: config/choices.toml, "topic".
TOPICS = ("progress", "gifts", "matches", "calls", "digest", "reminders", "messages")


def join_count(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {**now, "count": before["count"] + now["count"]}


# A step of something of one's own: its words follow with the next message, whatever a card has said.
legal = partial(Kind, standing=Standing.LEGAL, card="progress", brief=True)
# The same where somebody may be acting in their name.
safety = partial(legal, urgent=True)
to_staff = partial(Kind, standing=Standing.WORK, card="progress")


class Kinds(Mapping[str, Kind]):
    """Every kind by its name, as the rooms declare them: ``models.wiring`` brings them here when a program starts."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._rooms: dict[str, str] = {}

    def declare(self, room: str, kinds: Mapping[str, Kind]) -> None:
        """Add a room's kinds; again is none the more. Raises ValueError where another room has one of that name."""
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
        """An empty table would let everything be no kind at all."""
        if not self._kinds:
            raise RuntimeError("no notification kinds are declared: call models.wiring.wire() where the program starts")


KINDS = Kinds()


def template_of(kind: str) -> str:
    """Name the template that holds a kind's words."""
    return f"notifications/{KINDS.room_of(kind)}/{kind}"
