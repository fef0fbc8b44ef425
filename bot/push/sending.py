"""One notice on its way to WeChat: its words for the chosen channel, the call, and what went wrong with it."""

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
from bot.wechat.fields import BadField
from bot.wechat.policy import Unreachable, WeChatError
from models.notifications.kinds import Kind
from models.notifications.outbox import Owed

log = structlog.get_logger()
Words = TypeVar("Words")
Call = Callable[[], str | None]
# (form, kind of notice, facts as JSON) -> the words, within a batch.
Known = dict[Hashable, Any]


class NotBegun(Exception):
    """Its turn has not come, or not in time: certainly not sent."""


Failure = WeChatError | Unreachable | BadField | NotBegun


@dataclass(slots=True)
class Parcel:
    """``taken``: what was taken from the ledgers for it, to be given back if it certainly was not sent.

    ``offers``: its numbered choices are in front of the person once it has arrived. ``call``: the send with its words,
    which answers with the platform's id of it if there is one; None where it cannot be said.
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
    """Safe to share between threads."""

    def __init__(self, api: WeChatApi, wording: Wording) -> None:
        self._api, self._wording = api, wording

    def write(self, parcels: Sequence[Parcel], now: datetime) -> None:
        """The words of each for its channel, and the call that brings them: threads have only that to make.

        In a fan-out all are told the same, and that is written once. Raises nothing: what cannot be said is kept with
        its parcel.
        """
        known: Known = {}
        for parcel in parcels:
            parcel.offers = bool(parcel.kind.offers) and not is_looking_elsewhere(parcel.owed, now)
            try:
                parcel.call = self._call(parcel, known)
            except BadField as failure:
                parcel.failure = failure

    def send(self, parcel: Parcel) -> None:
        """Keeps the platform's id of it, or what went wrong, with the parcel. Raises nothing."""
        if parcel.call is None:
            return
        try:
            parcel.platform_id = parcel.call() or ""
            parcel.failure = None
        except (WeChatError, Unreachable) as failure:
            parcel.failure = failure
        except Exception:  # whatever it is, the others of the batch go out, and this one is not sent again blindly
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
    """The same for every send of one that may have arrived; another after one that certainly has not."""
    return f"n{owed.id}-{int(owed.attempted_at.timestamp() * 1000)}"


def _written(parcel: Parcel, known: Known, form: Hashable, write: Callable[[dict[str, Any]], Words]) -> Words:
    """Raises BadField: whatever is wrong with the words, another channel has others, and so has the next reply."""
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
