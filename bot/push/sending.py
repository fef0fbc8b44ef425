"""Send one notification to WeChat: write its words for the chosen channel, make the call, keep the failure."""

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog

from bot.push.cards import Card
from bot.push.channels import SERVICE, TEMPLATE, is_looking_elsewhere
from bot.push.wording import Wording
from bot.wechat.client import WeChatApi
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.template_fields import BadField
from models.notifications.kinds import Kind
from models.notifications.outbox import Owed

log = structlog.get_logger()
Words = TypeVar("Words")
Call = Callable[[], str | None]
# (form, notification kind, facts as JSON) -> the words, within a batch.
Known = dict[Hashable, Any]


class NotBegun(Exception):
    """The send was not begun, or not in time: the notification was certainly not sent."""


Failure = WeChatError | Unreachable | BadField | NotBegun


@dataclass(slots=True)
class Parcel:
    """A notification with its chosen channel.

    ``window`` and ``consent``: what was taken for it, to be given back if it certainly was not sent. ``offers``: it
    shows numbered choices. ``call``: the send with its words, which returns the platform's id, if any; None where the
    words could not be written.
    """

    owed: Owed
    kind: Kind
    card: Card
    channel: str
    reason: str
    menus: bool
    window: tuple[int, str, datetime] | None = None
    consent: tuple[int, str] | None = None
    offers: bool = False
    platform_id: str = ""
    call: Call | None = None
    failure: Failure | None = field(default_factory=NotBegun)


class Sender:
    """Write and send parcels. Safe to share between threads."""

    def __init__(self, api: WeChatApi, wording: Wording) -> None:
        self._api, self._wording = api, wording

    def write(self, parcels: Sequence[Parcel], now: datetime) -> None:
        """Write each parcel's words for its channel and prepare its call, which a thread then makes.

        In a broadcast the words are the same and are written once. Raises nothing: a parcel whose words cannot be
        written keeps the failure.
        """
        known: Known = {}
        for parcel in parcels:
            parcel.offers = bool(parcel.kind.offers) and not is_looking_elsewhere(parcel.owed, now)
            try:
                parcel.call = self._call(parcel, known)
            except BadField as failure:
                parcel.failure = failure

    def send(self, parcel: Parcel) -> None:
        """Make the call; the parcel keeps the platform's id or the failure. Raises nothing."""
        if parcel.call is None:
            return
        try:
            parcel.platform_id = parcel.call() or ""
            parcel.failure = None
        except (WeChatError, Unreachable) as failure:
            parcel.failure = failure
        except Exception:  # whatever it is, the rest of the batch is sent, and this one is not repeated blindly
            log.exception("notice.send_failed", notice=parcel.owed.id)
            parcel.failure = Unreachable(True, parcel.channel, "an error of ours")

    def _call(self, parcel: Parcel, known: Known) -> Call:
        """Raises BadField."""
        api, owed, card, wording = self._api, parcel.owed, parcel.card, self._wording
        if parcel.channel == SERVICE:
            return self._service_call(parcel, known)
        minute = owed.created_at.replace(second=0, microsecond=0)
        form = (card.name, minute)
        fields = _written(parcel, known, form, lambda facts: wording.card(owed.template, card, facts, minute))
        if parcel.channel == TEMPLATE:
            client_id = client_msg_id(owed)
            return lambda: api.send_template(owed.openid, card.template_id, fields, client_msg_id=client_id)
        return lambda: api.send_subscription(owed.openid, card.subscription_id, fields)

    def _service_call(self, parcel: Parcel, known: Known) -> Call:
        api, owed, wording = self._api, parcel.owed, self._wording
        if parcel.offers and parcel.menus:
            head = _written(parcel, known, "head", lambda facts: wording.head(owed.template, facts))
            options = wording.options(owed.id, owed.template)
            return lambda: api.send_options(owed.openid, head, options)
        form, say = ("numbered", wording.numbered) if parcel.offers else ("plain", wording.plain)
        text = _written(parcel, known, form, lambda facts: say(owed.template, facts))
        return lambda: api.send_text(owed.openid, text)


def client_msg_id(owed: Owed) -> str:
    """Make WeChat's number of the send: the same again while an earlier send may have arrived, else a new one."""
    return f"n{owed.id}-{int(owed.attempted_at.timestamp() * 1000)}"


def _written(parcel: Parcel, known: Known, form: Hashable, write: Callable[[dict[str, Any]], Words]) -> Words:
    """Write the words, once per batch. Raises BadField on any error: other channels and the reply have other words."""
    owed = parcel.owed
    try:
        text = owed.facts_text()
        key = (form, owed.template, text)
        if key not in known:
            known[key] = write(json.loads(text))
        words: Words = known[key]
    except BadField as wrong:
        log.error("notice.bad_field", notice=owed.id, kind=owed.template, field=wrong.field)
        raise
    except Exception:
        log.exception("notice.cannot_be_said", notice=owed.id, channel=parcel.channel)
        raise BadField(parcel.channel) from None
    return words
