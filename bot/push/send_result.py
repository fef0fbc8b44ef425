"""Judge one send: derive from WeChat's answer, by the policy table, what happens to the notification."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.push.cards import Card
from bot.push.channels import MENU, NOT_FOLLOWING, SERVICE, TEMPLATE, pause_key
from bot.push.sender import Attempt, Failure, NotBegun
from bot.wechat.policy import Action, Unreachable, WeChatError
from bot.wechat.template_fields import BadField
from models.core.calendar import CHINA
from models.notifications.outbox import ClaimedNotification

# Tries before a notification waits for the person's next message, and the delays between tries.
MOST_TRIES = 12
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=15), timedelta(minutes=30)
# WeChat forgets a client_msg_id after a time, so a send that may have arrived is repeated soon.
LONGEST_UNKNOWN = timedelta(minutes=2)
# How long a channel that the account may not use is paused; a person has to look at it.
ALARM_LASTS = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_NO_TEMPLATE, _NO_MENUS, _TOO_SOON = 40037, 40200, 45066


class Effect(StrEnum):
    """A side effect of WeChat's refusal."""

    CLOSE_WINDOWS = "close_windows"
    CLEAR_CONSENT = "clear_consent"
    REFUSE_PERSON = "refuse_person"
    PAUSE = "pause"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class SendResult:
    """``state``: the notification's next state; owed without ``due`` is sent at once by its next channel.

    ``unused``: what was taken for it (a window's message, a consent) is given back. ``pause``: what is paused, and
    until when.
    """

    state: str
    reason: str = ""
    due: datetime | None = None
    unknown: bool = False
    unused: bool = False
    effects: frozenset[Effect] = frozenset()
    pause: tuple[str, datetime] | None = None

    @property
    def goes_on(self) -> bool:
        return self.state == "owed" and self.due is None

    def rules_out(self, channel: str) -> dict[str, str]:
        """Map the channel that has just failed to the reason; empty where it can still carry another form."""
        return {} if self.pause and self.pause[0] == MENU else {channel: self.reason}


def result_of(attempt: Attempt, now: datetime) -> SendResult:
    """Judge a send; where an earlier send may have arrived, the outcome stays unknown, whatever this one's was."""
    result = _judge(attempt.notification, attempt, attempt.failure, now)
    if result.state == "owed" and attempt.notification.attempted_at < attempt.notification.claimed_at:
        return replace(result, unknown=True)
    return result


def _judge(notification: ClaimedNotification, attempt: Attempt, failure: Failure | None, now: datetime) -> SendResult:
    match failure:
        case None:
            return SendResult("sent")
        case NotBegun():
            return SendResult("owed", "not_begun", due=now, unused=True)
        case BadField():
            return _next("bad_field")
        case Unreachable(outcome_unknown=True):
            return _unknown(notification, attempt.channel, "repeated", now)
        case Unreachable():
            return _later(notification, "unreachable", now)
    return _refused(notification, attempt.channel, attempt.card, failure, now)


def _refused(
    notification: ClaimedNotification, channel: str, card: Card, failure: WeChatError, now: datetime
) -> SendResult:
    code = failure.code
    match failure.action:
        case Action.NEXT_CHANNEL:
            return _next(f"refused_{code}", Effect.CLOSE_WINDOWS, unused=False)
        case Action.CLEAR_CONSENT:
            return _next(f"refused_{code}", Effect.CLEAR_CONSENT, unused=False)
        case Action.GIVE_UP_PERSON if code == NOT_FOLLOWING:
            return _next(f"refused_{code}", Effect.REFUSE_PERSON)
        case Action.GIVE_UP_PERSON:
            effects = frozenset({Effect.REFUSE_PERSON})
            return SendResult("waiting", f"refused_{code}", unused=True, effects=effects)
        case Action.STOP_UNTIL_RESET:
            return _next(f"quota_{code}", Effect.PAUSE, pause=(channel, _midnight(now)))
        case Action.WAIT_A_MINUTE if code == _TOO_SOON:
            return _unknown(notification, channel, f"rate_{code}", now)
        case Action.WAIT_A_MINUTE:
            effects = frozenset({Effect.PAUSE})
            pause = (channel, now + MINUTE)
            return SendResult("owed", f"rate_{code}", due=now + MINUTE, unused=True, effects=effects, pause=pause)
        case Action.DISABLE_FEATURE:
            return _next(
                f"stopped_{code}", Effect.PAUSE, Effect.ALARM, pause=(_disabled(code, channel, card), now + ALARM_LASTS)
            )
        case Action.RENEW_TOKEN:
            return _later(notification, f"token_{code}", now)
        case Action.RETRY_LATER:
            return _unknown(notification, channel, "busy", now)
    return _next(f"refused_{code}", Effect.ALARM)


def _next(reason: str, *effects: Effect, unused: bool = True, pause: tuple[str, datetime] | None = None) -> SendResult:
    return SendResult("owed", reason, unused=unused, effects=frozenset(effects), pause=pause)


def _later(notification: ClaimedNotification, reason: str, now: datetime) -> SendResult:
    """Try later what was certainly not sent; after the last try it waits for the person's next message."""
    if notification.tries >= MOST_TRIES:
        return SendResult("waiting", reason, unused=True)
    return SendResult("owed", reason, due=now + retry_delay(notification.tries), unused=True)


def _unknown(notification: ClaimedNotification, channel: str, reason: str, now: datetime) -> SendResult:
    """Repeat a template message, which cannot arrive twice (how long: bot.push.channels); let others wait."""
    if channel != TEMPLATE:
        return SendResult("waiting", "outcome_unknown")
    return SendResult("owed", reason, due=now + min(retry_delay(notification.tries), LONGEST_UNKNOWN), unknown=True)


def retry_delay(tries: int) -> timedelta:
    delay: timedelta = FIRST_DELAY * (1 << min(tries - 1, 10))
    return min(delay, LONGEST_DELAY)


def _disabled(code: int, channel: str, card: Card) -> str:
    """Return what a wrong set-up of the account pauses: one card, the option menus, or the channel."""
    if code == _NO_MENUS and channel == SERVICE:
        return MENU
    return pause_key(channel, card) if code == _NO_TEMPLATE else channel


def _midnight(now: datetime) -> datetime:
    """Return the next midnight in China, when WeChat's daily quotas begin anew."""
    here = now.astimezone(CHINA)
    return here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
