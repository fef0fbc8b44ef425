"""Choose the channel for one notification to one person, with the reasons against the others. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from bot.push.cards import Card
from flows.engine.session import FOCUS_LASTS
from models.core.calendar import CHINA
from models.notifications.channel_pause import ChannelPause
from models.notifications.kinds import Kind
from models.notifications.outbox import REMEMBERED, ClaimedNotification

SERVICE, TEMPLATE, SUBSCRIPTION = "service", "template", "subscription"
# Can be paused like a channel: WeChat's option menus. So can a channel for one card (``pause_key``).
MENU = "menu"

# At night only urgent kinds are sent, but a person who has just written is not kept waiting.
NIGHT_BEGINS, NIGHT_ENDS, MORNING = time(22, 0), time(7, 0), time(7, 30)
TALKING = timedelta(minutes=10)
# Two minutes less than WeChat remembers a client_msg_id, since a send may begin some time after its claim.
REPEATED_WITHIN = REMEMBERED - timedelta(minutes=2)
# The person does not follow the account, but may still have consented to a subscription notice.
NOT_FOLLOWING = 43004
RATE = 45011


@dataclass(frozen=True, slots=True)
class Means:
    """The means to reach one person. ``pauses``: channel, MENU or ``pause_key`` -> its pause.

    ``ruled_out``: channel -> the code for which it has just failed.
    """

    window: bool
    consent: bool
    card: Card
    pauses: Mapping[str, ChannelPause] = field(default_factory=dict)
    ruled_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """``channel``: None where nothing is sent now; ``until`` is then when to try again, None: at their next message.

    ``reason``: codes (models.notifications.delivery_reasons), joined by ``+``, of why earlier channels were not chosen.
    """

    channel: str | None
    reason: str = ""
    until: datetime | None = None


def pause_key(channel: str, card: Card) -> str:
    """Return the name under which one card of a channel is paused."""
    return f"{channel[0]}:{card.name}"[:20]


def choose(kind: Kind, notification: ClaimedNotification, means: Means, now: datetime) -> ChannelChoice:
    """Choose the first of customer service, template and subscription that may carry the notification, or none."""
    if notification.attempted_at < notification.claimed_at:
        return _again(notification, means)
    if notification.refused_code not in (None, NOT_FOLLOWING):
        return ChannelChoice(None, f"refused_{notification.refused_code}")
    if not kind.urgent and now - notification.touched_at > TALKING and (morning := _after_the_night(now)):
        return ChannelChoice(None, "quiet", morning)
    reasons: list[str] = []
    for channel, ways in ((SERVICE, _service), (TEMPLATE, _template), (SUBSCRIPTION, _subscription)):
        closed = means.ruled_out.get(channel) or ways(kind, notification, means)
        pause = None if closed else means.pauses.get(channel) or means.pauses.get(pause_key(channel, means.card))
        if pause and pause.code == RATE:
            return ChannelChoice(None, "+".join([*reasons, f"rate_{RATE}"]), pause.until)
        if not closed and not pause:
            return ChannelChoice(channel, "+".join(reasons))
        reasons.append(f"stopped_{pause.code}" if pause else closed)
    return ChannelChoice(None, "+".join(dict.fromkeys(reasons)))


def _again(notification: ClaimedNotification, means: Means) -> ChannelChoice:
    """Choose for a notification whose last send may have arrived: only a template message can be repeated, in time."""
    in_time = notification.claimed_at - notification.attempted_at < REPEATED_WITHIN
    known = notification.channel == TEMPLATE and in_time and not notification.parked
    if known and not means.ruled_out and TEMPLATE not in means.pauses:
        return ChannelChoice(TEMPLATE, "repeated")
    return ChannelChoice(None, "outcome_unknown")


def _service(kind: Kind, notification: ClaimedNotification, means: Means) -> str:
    return "" if means.window and notification.following else "window_closed"


def _template(kind: Kind, notification: ClaimedNotification, means: Means) -> str:
    if notification.parked:
        return "parked"
    if kind.marketing:
        return "marketing"
    if not notification.following or notification.refused_code == NOT_FOLLOWING:
        return "not_following"
    return "" if means.card.template_id else "no_template"


def _subscription(kind: Kind, notification: ClaimedNotification, means: Means) -> str:
    if notification.parked:
        return "parked"
    if not means.card.subscription_id:
        return "no_subscription"
    return "" if means.consent else "no_consent"


def is_looking_elsewhere(notification: ClaimedNotification, now: datetime) -> bool:
    """Tell whether the person is being asked a question, for whose answer a number of the push could be mistaken."""
    return notification.in_flow and now - notification.touched_at < FOCUS_LASTS


def _after_the_night(now: datetime) -> datetime | None:
    """Return when the next morning begins; None by day."""
    here = now.astimezone(CHINA)
    if NIGHT_ENDS <= here.time() < NIGHT_BEGINS:
        return None
    day = here.date() + timedelta(days=1 if here.time() >= NIGHT_BEGINS else 0)
    return datetime.combine(day, MORNING, CHINA)
