"""One notice on its way to WeChat: its words for the chosen channel, the call, and what went wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog

from bot.push.cards import Card
from bot.push.channels import SERVICE, TEMPLATE, is_looking_elsewhere
from bot.push.wording import Wording
from bot.wechat.client import WeChatApi
from bot.wechat.fields import BadField
from bot.wechat.policy import Unreachable, WeChatError
from models.notice_kind import Kind
from models.outbox import Owed

log = structlog.get_logger()
Words = TypeVar("Words")


class NotBegun(Exception):
    """Its turn has not come, or not in time: certainly not sent."""


Failure = WeChatError | Unreachable | BadField | NotBegun


@dataclass(slots=True)
class Parcel:
    """``taken``: what was taken from the ledgers for it, to be given back if it certainly was not sent.

    ``offers``: its numbered choices are in front of the person once it has arrived.
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
    failure: Failure | None = field(default_factory=NotBegun)


class Sender:
    """Safe to share between threads."""

    def __init__(self, api: WeChatApi, wording: Wording) -> None:
        self._api, self._wording = api, wording

    def send(self, parcel: Parcel, now: datetime) -> None:
        """Keeps the platform's id of it, or what went wrong, with the parcel. Raises nothing."""
        try:
            parcel.platform_id = self._send(parcel, now)
            parcel.failure = None
        except (WeChatError, Unreachable, BadField) as failure:
            parcel.failure = failure
        except Exception:  # whatever it is, the others of the batch go out, and this one is not sent again blindly
            log.exception("notice.send_failed", notice=parcel.owed.id)
            parcel.failure = Unreachable(True, parcel.channel, "an error of ours")

    def _send(self, parcel: Parcel, now: datetime) -> str:
        owed, card, wording = parcel.owed, parcel.card, self._wording
        parcel.offers = bool(parcel.kind.offers) and not is_looking_elsewhere(owed, now)
        if parcel.channel == SERVICE:
            self._send_words(parcel)
            return ""
        fields = _written(parcel, lambda: wording.card(owed.template, card, owed.facts(), owed.created_at))
        if parcel.channel == TEMPLATE:
            client_id = client_msg_id(owed)
            return self._api.send_template(owed.openid, card.template_id, fields, client_msg_id=client_id)
        return self._api.send_subscription(owed.openid, card.subscription_id, fields)

    def _send_words(self, parcel: Parcel) -> None:
        owed, wording = parcel.owed, self._wording
        if parcel.offers and parcel.menus:
            head, options = _written(parcel, lambda: wording.menu(owed.id, owed.template, owed.facts()))
            self._api.send_options(owed.openid, head, options)
        else:
            say = wording.numbered if parcel.offers else wording.plain
            self._api.send_text(owed.openid, _written(parcel, lambda: say(owed.template, owed.facts())))


def client_msg_id(owed: Owed) -> str:
    """The same for every send of one that may have arrived; another after one that certainly has not."""
    return f"n{owed.id}-{int(owed.attempted_at.timestamp() * 1000)}"


def _written(parcel: Parcel, write: Callable[[], Words]) -> Words:
    """Raises BadField: whatever is wrong with the words, another channel has others, and so has the next reply."""
    try:
        return write()
    except BadField as wrong:
        log.error("notice.bad_field", notice=parcel.owed.id, kind=parcel.owed.template, field=wrong.field)
        raise
    except Exception:
        log.exception("notice.cannot_be_said", notice=parcel.owed.id, channel=parcel.channel)
        raise BadField(parcel.channel) from None
