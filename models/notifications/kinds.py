"""What kinds of notices there are: who may turn one off, which message of WeChat carries it, and what it offers.

A kind is named like its template below templates/notices, and by nothing else;
its words are there, the labels of what it offers in config/choices.toml.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
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
GIVE = Offer("give", ("pledge", "number"))
SEE_REQUEST = Offer("see_request", ("view_request", "request"))
SEE_OFFER = Offer("see_offer", ("view_offer", "offer"))
MY_GIFTS = Offer("my_gifts", ("my_pledges",))
TODO = Offer("todo", ("todo",))
LEAVE_MESSAGE = Offer("leave_message", ("leave_message", "code"))
READ_MESSAGES = Offer("read_messages", ("messages", "number"))
PAY_MONTHLY = Offer("pay_monthly", ("pay_monthly", "number"))
SKIP_MONTHLY = Offer("skip_monthly", ("skip_monthly", "number"))
STOP_MONTHLY = Offer("stop_monthly", ("stop_monthly", "number"))


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


def join_gifts(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Several gifts in one word: their number and sum; a name stands by a single one only."""
    sums = {
        "new_gifts": before.get("new_gifts", 1) + now["new_gifts"],
        "amount_fen": before["amount_fen"] + now["amount_fen"],
        "matched_fen": before.get("matched_fen", 0) + now.get("matched_fen", 0),
    }
    return {**now, **sums, "name": None}


def join_tasks(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Several things for one queue: how many, and by when the first is to be done."""
    return {**now, "count": before["count"] + now["count"], "due": min(before["due"], now["due"])}


def join_count(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {**now, "count": before["count"] + now["count"]}


_STEP = Kind(Standing.LEGAL, "progress", brief=True)
_STAFF = Kind(Standing.WORK, "progress")
_SAFETY = Kind(Standing.LEGAL, "progress", urgent=True, brief=True)
_DAY = timedelta(days=1)

KINDS: dict[str, Kind] = {
    "appeal_begins": Kind(Standing.MONEY, "progress", offers=(LOOK, MY_GIFTS), brief=True),
    "appeal_failed": Kind(Standing.MONEY, "progress", offers=(LOOK,), brief=True),
    "appeal_funded": Kind(Standing.NEWS, "progress", topic="progress", offers=(LOOK, PLEDGE_AGAIN, NO_MORE)),
    "appeal_moved": _STEP,
    "appeal_opened": _STEP,
    "appeal_overdue": _STEP,
    "appeal_resumed": Kind(Standing.MONEY, "progress", offers=(LOOK, PLEDGE_AGAIN)),
    "appeal_update": Kind(
        Standing.NEWS, "progress", topic="progress", offers=(LOOK, PLEDGE_AGAIN, NO_MORE), brief=True
    ),
    "broadcast_done": _STAFF,
    "card_bound": _SAFETY,
    "card_issued": _SAFETY,
    "card_void": _STAFF,
    "case_ends_soon": _STEP,
    "case_moved": _STEP,
    "code_void": _SAFETY,
    "collection_code": Kind(Standing.SERVICE, "goods"),
    "digest": Kind(Standing.NEWS, "progress", topic="digest", offers=(MY_GIFTS,), marketing=True),
    "disaster_call": Kind(Standing.NEWS, "progress", topic="calls", offers=(LOOK, GIVE, NO_MORE), marketing=True),
    "disbursed": Kind(Standing.MONEY, "money", offers=(LOOK,)),
    "gift_late": Kind(Standing.MONEY, "money"),
    "gift_message": Kind(Standing.SERVICE, "progress", topic="messages", offers=(READ_MESSAGES, NO_MORE), brief=True),
    "gift_paid": Kind(Standing.MONEY, "money", offers=(MY_GIFTS, LEAVE_MESSAGE)),
    "goods_received": Kind(Standing.SERVICE, "progress", topic="progress"),
    "handed_over": _STAFF,
    "match_found": Kind(
        Standing.SERVICE, "progress", topic="matches", offers=(SEE_OFFER,), running=_DAY, join=join_count
    ),
    "message_decided": _STEP,
    "milestone": Kind(Standing.SERVICE, "progress", topic="gifts", offers=(LOOK,)),
    "monthly_due": Kind(
        Standing.SERVICE,
        "money",
        topic="reminders",
        offers=(PAY_MONTHLY, SKIP_MONTHLY, STOP_MONTHLY),
        running=_DAY,
    ),
    "monthly_ended": Kind(Standing.SERVICE, "progress"),
    "need_found": Kind(
        Standing.SERVICE, "progress", topic="matches", offers=(SEE_REQUEST,), running=_DAY, join=join_count
    ),
    "objection_decided": _STEP,
    "objection_made": Kind(Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks),
    "ordered": Kind(Standing.MONEY, "money"),
    "payee_changed": Kind(Standing.LEGAL, "progress", urgent=True, brief=True),
    "pledged": Kind(
        Standing.SERVICE,
        "progress",
        topic="gifts",
        offers=(LOOK, NO_MORE),
        running=timedelta(hours=6),
        join=join_gifts,
    ),
    "proxied_moved": _STAFF,
    "proxy_acted": _SAFETY,
    "proxy_denied": _STAFF,
    "proxy_own_card": Kind(Standing.WORK, "progress", brief=True),
    "receipts_due": _STEP,
    "redirected": Kind(Standing.MONEY, "money", offers=(LOOK,), brief=True),
    "receipt_decided": _STEP,
    "refunded": Kind(Standing.MONEY, "money"),
    "refunds_done": _STEP,
    "revision_decided": _STEP,
    "sheet_lost": _STAFF,
    "shipped": Kind(Standing.SERVICE, "goods"),
    "staff_bound": Kind(Standing.WORK, "progress", brief=True),
    "staff_confirmed": _STAFF,
    "staff_moved": _STAFF,
    "stock_low": Kind(Standing.SERVICE, "progress", topic="reminders"),
    "task_assigned": Kind(Standing.WORK, "task"),
    "task_new": Kind(Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks),
    "task_overdue": Kind(Standing.WORK, "task"),
    "thanks": Kind(Standing.NEWS, "progress", topic="progress", offers=(LOOK, NO_MORE), brief=True),
    "ticket_answered": Kind(Standing.SERVICE, "progress", brief=True),
    "update_decided": _STEP,
    "update_due": _STEP,
    "use_moved": _STEP,
    "wanted": Kind(Standing.SERVICE, "progress", topic="matches"),
}
