"""Judge one send: derive from WeChat's answer, by the policy table, what happens to the notification."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.push.cards import Card
from bot.push.channels import MENU, NOT_FOLLOWING, SERVICE, TEMPLATE, stop_of
from bot.push.sending import Failure, NotBegun, Parcel
from bot.wechat.policy import Action, Unreachable, WeChatError
from bot.wechat.template_fields import BadField
from models.core.calendar import CHINA
from models.notifications.outbox import Owed

# Tries before a notification waits for the person's next message, and the pauses between tries.
MOST_TRIES = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=30)
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
    STOP = "stop"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state``: the notification's next state; owed without ``due`` is sent at once by its next channel.

    ``unused``: what was taken for it (a window's message, a consent) is given back. ``stop``: what is paused, and
    until when.
    """

    state: str
    reason: str = ""
    due: datetime | None = None
    unknown: bool = False
    unused: bool = False
    effects: frozenset[Effect] = frozenset()
    stop: tuple[str, datetime] | None = None

    @property
    def goes_on(self) -> bool:
        return self.state == "owed" and self.due is None

    def rules_out(self, channel: str) -> dict[str, str]:
        """Map the channel that has just failed to the reason; empty where it can still carry another form."""
        return {} if self.stop and self.stop[0] == MENU else {channel: self.reason}


def judge(parcel: Parcel, now: datetime) -> Verdict:
    """Judge a send; where an earlier send may have arrived, the outcome stays unknown, whatever this one's was."""
    verdict = _judge(parcel.owed, parcel, parcel.failure, now)
    if verdict.state == "owed" and parcel.owed.attempted_at < parcel.owed.claimed_at:
        return replace(verdict, unknown=True)
    return verdict


def _judge(owed: Owed, parcel: Parcel, failure: Failure | None, now: datetime) -> Verdict:
    match failure:
        case None:
            return Verdict("sent")
        case NotBegun():
            return Verdict("owed", "not_begun", due=now, unused=True)
        case BadField():
            return _next("bad_field")
        case Unreachable(outcome_unknown=True):
            return _unknown(owed, parcel.channel, "repeated", now)
        case Unreachable():
            return _later(owed, "unreachable", now)
    return _refused(owed, parcel.channel, parcel.card, failure, now)


def _refused(owed: Owed, channel: str, card: Card, failure: WeChatError, now: datetime) -> Verdict:
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
            return Verdict("waiting", f"refused_{code}", unused=True, effects=effects)
        case Action.STOP_UNTIL_RESET:
            return _next(f"quota_{code}", Effect.STOP, stop=(channel, _midnight(now)))
        case Action.WAIT_A_MINUTE if code == _TOO_SOON:
            return _unknown(owed, channel, f"rate_{code}", now)
        case Action.WAIT_A_MINUTE:
            effects = frozenset({Effect.STOP})
            stop = (channel, now + MINUTE)
            return Verdict("owed", f"rate_{code}", due=now + MINUTE, unused=True, effects=effects, stop=stop)
        case Action.DISABLE_FEATURE:
            return _next(
                f"stopped_{code}", Effect.STOP, Effect.ALARM, stop=(_disabled(code, channel, card), now + ALARM_LASTS)
            )
        case Action.RENEW_TOKEN:
            return _later(owed, f"token_{code}", now)
        case Action.RETRY_LATER:
            return _unknown(owed, channel, "busy", now)
    return _next(f"refused_{code}", Effect.ALARM)


def _next(reason: str, *effects: Effect, unused: bool = True, stop: tuple[str, datetime] | None = None) -> Verdict:
    return Verdict("owed", reason, unused=unused, effects=frozenset(effects), stop=stop)


def _later(owed: Owed, reason: str, now: datetime) -> Verdict:
    """Try later what was certainly not sent; after the last try it waits for the person's next message."""
    if owed.tries >= MOST_TRIES:
        return Verdict("waiting", reason, unused=True)
    return Verdict("owed", reason, due=now + pause(owed.tries), unused=True)


def _unknown(owed: Owed, channel: str, reason: str, now: datetime) -> Verdict:
    """Repeat a template message, which cannot arrive twice (how long: bot.push.channels); let others wait."""
    if channel != TEMPLATE:
        return Verdict("waiting", "outcome_unknown")
    return Verdict("owed", reason, due=now + min(pause(owed.tries), LONGEST_UNKNOWN), unknown=True)


def pause(tries: int) -> timedelta:
    pauses: timedelta = FIRST_PAUSE * (1 << min(tries - 1, 10))
    return min(pauses, LONGEST_PAUSE)


def _disabled(code: int, channel: str, card: Card) -> str:
    """Return what a wrong set-up of the account pauses: one card, the option menus, or the channel."""
    if code == _NO_MENUS and channel == SERVICE:
        return MENU
    return stop_of(channel, card) if code == _NO_TEMPLATE else channel


def _midnight(now: datetime) -> datetime:
    """Return the next midnight in China, when WeChat's daily quotas begin anew."""
    here = now.astimezone(CHINA)
    return here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
