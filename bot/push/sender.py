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
from handlers.notifications.push_replies import tap_id
from models.notifications.kinds import Kind
from models.notifications.outbox import ClaimedNotification

log = structlog.get_logger()
Words = TypeVar("Words")
Call = Callable[[], str | None]
# (form, notification kind, facts as JSON) -> the words, within a batch.
Known = dict[Hashable, Any]


class NotBegun(Exception):
    """The send was not begun, or not in time: the notification was certainly not sent."""


Failure = WeChatError | Unreachable | BadField | NotBegun


@dataclass(slots=True)
class Attempt:
    """A notification with its chosen channel.

    ``window`` and ``consent``: what was taken for it, to be given back if it certainly was not sent. ``offers``: it
    shows numbered choices. ``call``: the send with its words, which returns the platform's id, if any; None where the
    words could not be written. ``sent_at``: when the call had ended, by the bot's clock.
    """

    notification: ClaimedNotification
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
    sent_at: datetime | None = None
    failure: Failure | None = field(default_factory=NotBegun)


class Sender:
    """Write and send attempts. Safe to share between threads."""

    def __init__(self, api: WeChatApi, wording: Wording) -> None:
        self._api, self._wording = api, wording

    def write(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Write each attempt's words for its channel and prepare its call, which a thread then makes.

        In a broadcast the words are the same and are written once. Raises nothing: an attempt whose words cannot be
        written keeps the failure.
        """
        known: Known = {}
        for attempt in attempts:
            parked = attempt.notification.parked
            attempt.offers = bool(attempt.kind.offers) and not parked and _may_offer(attempt, now)
            try:
                attempt.call = self._call(attempt, known)
            except BadField as failure:
                attempt.failure = failure

    def send(self, attempt: Attempt) -> None:
        """Make the call; the attempt keeps the platform's id or the failure. Raises nothing."""
        if attempt.call is None:
            return
        try:
            attempt.platform_id = attempt.call() or ""
            attempt.failure = None
        except (WeChatError, Unreachable) as failure:
            attempt.failure = failure
        except Exception:  # whatever it is, the rest of the batch is sent, and this one is not repeated blindly
            log.exception("notice.send_failed", notice=attempt.notification.id)
            attempt.failure = Unreachable(True, attempt.channel, "an error of ours")

    def _call(self, attempt: Attempt, known: Known) -> Call:
        """Raises BadField."""
        api, notification, card, wording = self._api, attempt.notification, attempt.card, self._wording
        if notification.parked:
            words = wording.for_another(notification.name)
            return lambda: api.send_text(notification.openid, words)
        if attempt.channel == SERVICE:
            return self._service_call(attempt, known)
        minute = notification.created_at.replace(second=0, microsecond=0)
        form = (card.name, minute)
        fields = _written(attempt, known, form, lambda facts: wording.card(notification.template, card, facts, minute))
        if attempt.channel == TEMPLATE:
            client_id = client_msg_id(notification)
            return lambda: api.send_template(notification.openid, card.template_id, fields, client_msg_id=client_id)
        return lambda: api.send_subscription(notification.openid, card.subscription_id, fields)

    def _service_call(self, attempt: Attempt, known: Known) -> Call:
        api, notification, wording = self._api, attempt.notification, self._wording
        if attempt.offers and attempt.menus:
            head = _written(attempt, known, "head", lambda facts: wording.head(notification.template, facts))
            lines = _written(attempt, known, "options", lambda facts: wording.options(notification.template, facts))
            options = [(tap_id(notification.id, number), label) for number, label in lines]
            return lambda: api.send_options(notification.openid, head, options)
        form, say = ("numbered", wording.numbered) if attempt.offers else ("plain", wording.plain)
        text = _written(attempt, known, form, lambda facts: say(notification.template, facts))
        return lambda: api.send_text(notification.openid, text)


def _may_offer(attempt: Attempt, now: datetime) -> bool:
    """Tell whether choices can be shown: not where a number would be taken for the answer to a question."""
    if attempt.kind.awaited:
        return attempt.channel == SERVICE
    return not is_looking_elsewhere(attempt.notification, now)


def client_msg_id(notification: ClaimedNotification) -> str:
    """Make WeChat's number of the send: the same again while an earlier send may have arrived, else a new one."""
    return f"n{notification.id}-{int(notification.attempted_at.timestamp() * 1000)}"


def _written(attempt: Attempt, known: Known, form: Hashable, write: Callable[[dict[str, Any]], Words]) -> Words:
    """Write the words, once per batch. Raises BadField on any error: other channels and the reply have other words."""
    notification = attempt.notification
    try:
        text = notification.facts_text()
        key = (form, notification.template, text)
        if key not in known:
            known[key] = write(json.loads(text))
        words: Words = known[key]
    except BadField as wrong:
        log.error("notice.bad_field", notice=notification.id, kind=notification.template, field=wrong.field)
        raise
    except Exception:  # of any kind: one notification that no words fit must not stop its whole batch
        log.exception("notice.cannot_be_said", notice=notification.id, channel=attempt.channel)
        raise BadField(attempt.channel) from None
    return words
