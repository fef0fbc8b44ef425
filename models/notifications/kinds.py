"""What kinds of notices there are: who may turn one off, which message of WeChat carries it, and what it offers.

A kind is named like its template in templates/notifications/ROOM/, and by nothing else;
its words are there, the labels of what it offers in config/choices.toml.
"""

from collections.abc import Callable
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
    """``room``: whose event it tells; its words are in templates/notifications/ROOM/KIND.txt.

    ``card``: the name of the account's template (config/push.toml) that carries it when words cannot.

    ``topic``: what a person turns off to get no more of it; empty where nobody can.
    ``urgent``: also at night. ``marketing``: WeChat forbids it as a template message.
    ``running``: the newest of it replaces an older one about the same thing that has not gone out yet, and so long
    must pass between two. ``join``: the facts of both in one, the older's first; else the newest's stand alone.
    ``brief``: its card says too little of it, so the words still stand in the reply to the person's next message.
    """

    room: str
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


_step = partial(Kind, standing=Standing.LEGAL, card="progress", brief=True)
_staff = partial(Kind, standing=Standing.WORK, card="progress")
_safety = partial(_step, urgent=True)
_DAY = timedelta(days=1)

KINDS: dict[str, Kind] = {
    "appeal_begins": Kind("giving", Standing.MONEY, "progress", offers=(LOOK, MY_GIFTS), brief=True),
    "appeal_failed": Kind("appeals", Standing.MONEY, "progress", offers=(LOOK,), brief=True),
    "appeal_funded": Kind("giving", Standing.NEWS, "progress", topic="progress", offers=(LOOK, PLEDGE_AGAIN, NO_MORE)),
    "appeal_moved": _step("appeals"),
    "appeal_opened": _step("appeals"),
    "appeal_overdue": _step("appeals"),
    "appeal_resumed": Kind("appeals", Standing.MONEY, "progress", offers=(LOOK, PLEDGE_AGAIN)),
    "appeal_update": Kind(
        "outreach", Standing.NEWS, "progress", topic="progress", offers=(LOOK, PLEDGE_AGAIN, NO_MORE), brief=True
    ),
    "broadcast_done": _staff("outreach"),
    "card_bound": _safety("proxy"),
    "card_issued": _safety("proxy"),
    "card_void": _staff("proxy"),
    "case_ends_soon": _step("verification"),
    "case_moved": _step("verification"),
    "code_void": _safety("proxy"),
    "collection_code": Kind("goods", Standing.SERVICE, "goods"),
    "digest": Kind("outreach", Standing.NEWS, "progress", topic="digest", offers=(MY_GIFTS,), marketing=True),
    "disaster_call": Kind(
        "outreach", Standing.NEWS, "progress", topic="calls", offers=(LOOK, GIVE, NO_MORE), marketing=True
    ),
    "disbursed": Kind("disbursements", Standing.MONEY, "money", offers=(LOOK,)),
    "payment_late": Kind("payments", Standing.MONEY, "money"),
    "gift_message": Kind(
        "donors", Standing.SERVICE, "progress", topic="messages", offers=(READ_MESSAGES, NO_MORE), brief=True
    ),
    "payment_received": Kind("payments", Standing.MONEY, "money", offers=(MY_GIFTS, LEAVE_MESSAGE)),
    "goods_received": Kind("goods", Standing.SERVICE, "progress", topic="progress"),
    "handed_over": _staff("staff"),
    "match_found": Kind(
        "goods", Standing.SERVICE, "progress", topic="matches", offers=(SEE_OFFER,), running=_DAY, join=join_count
    ),
    "message_decided": _step("donors"),
    "milestone": Kind("giving", Standing.SERVICE, "progress", topic="gifts", offers=(LOOK,)),
    "recurring_gift_due": Kind(
        "donors",
        Standing.SERVICE,
        "money",
        topic="reminders",
        offers=(PAY_MONTHLY, SKIP_MONTHLY, STOP_MONTHLY),
        running=_DAY,
    ),
    "recurring_gift_ended": Kind("donors", Standing.SERVICE, "progress"),
    "need_found": Kind(
        "goods", Standing.SERVICE, "progress", topic="matches", offers=(SEE_REQUEST,), running=_DAY, join=join_count
    ),
    "objection_decided": _step("verification"),
    "objection_made": Kind(
        "verification", Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks
    ),
    "ordered": Kind("market", Standing.MONEY, "money"),
    "payee_changed": Kind("disbursements", Standing.LEGAL, "progress", urgent=True, brief=True),
    "pledged": Kind(
        "giving",
        Standing.SERVICE,
        "progress",
        topic="gifts",
        offers=(LOOK, NO_MORE),
        running=timedelta(hours=6),
        join=join_gifts,
    ),
    "proxied_appeal_moved": _staff("proxy"),
    "proxy_acted": _safety("proxy"),
    "proxy_denied": _staff("proxy"),
    "proxy_own_card": Kind("proxy", Standing.WORK, "progress", brief=True),
    "receipts_due": _step("disbursements"),
    "redirected": Kind("payments", Standing.MONEY, "money", offers=(LOOK,), brief=True),
    "receipt_decided": _step("donors"),
    "refunded": Kind("payments", Standing.MONEY, "money"),
    "refunds_done": _step("payments"),
    "revision_decided": _step("appeals"),
    "sheet_lost": _staff("proxy"),
    "shipped": Kind("market", Standing.SERVICE, "goods"),
    "staff_bound": Kind("staff", Standing.WORK, "progress", brief=True),
    "staff_confirmed": _staff("staff"),
    "staff_moved": _staff("staff"),
    "stock_low": Kind("market", Standing.SERVICE, "progress", topic="reminders"),
    "task_assigned": Kind("staff", Standing.WORK, "task"),
    "task_new": Kind("staff", Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks),
    "task_overdue": Kind("staff", Standing.WORK, "task"),
    "thanks": Kind("outreach", Standing.NEWS, "progress", topic="progress", offers=(LOOK, NO_MORE), brief=True),
    "ticket_answered": Kind("support", Standing.SERVICE, "progress", brief=True),
    "update_decided": _step("outreach"),
    "update_due": _step("outreach"),
    "disbursement_moved": _step("disbursements"),
    "introduction": Kind("support", Standing.SERVICE, "progress", topic="matches"),
}


def template_of(kind: str) -> str:
    """Name the template that holds a kind's words."""
    return f"notifications/{KINDS[kind].room}/{kind}"
