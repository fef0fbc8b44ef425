"""Keep the outcomes of a batch's sends in one transaction, and log the failures."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.push.channels import SERVICE, SUBSCRIPTION
from bot.push.send_result import Effect, SendResult
from bot.push.sender import Attempt, Failure, NotBegun
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.template_fields import BadField
from models.notifications import channel_pause, outbox, service_window, subscription
from models.notifications.outbox import Outcome

log = structlog.get_logger()


def record_results(db: Session, judged: Sequence[tuple[Attempt, SendResult]], now: datetime) -> None:
    """Keep the outcomes; locks in the order in which turns do: the person, the notification, windows and consents."""

    def people(effect: Effect) -> list[int]:
        return sorted({attempt.notification.conversation_id for attempt, result in judged if effect in result.effects})

    refused = {
        attempt.notification.conversation_id: attempt.failure.code
        for attempt, result in judged
        if Effect.REFUSE_PERSON in result.effects and isinstance(attempt.failure, WeChatError)
    }
    outbox.refuse_people(db, refused)
    outbox.keep_outcomes(db, [_outcome(attempt, result, now) for attempt, result in judged], now)
    unused = [attempt for attempt, result in judged if result.unused]
    service_window.return_messages(db, [attempt.window for attempt in unused if attempt.window])
    if shut := people(Effect.CLOSE_WINDOWS):
        service_window.close_windows(db, shut)
    subscription.return_consents(db, [attempt.consent for attempt in unused if attempt.consent])
    subscription.delete_consents(
        db,
        {
            (attempt.notification.conversation_id, attempt.card.subscription_id)
            for attempt, result in judged
            if Effect.CLEAR_CONSENT in result.effects and attempt.channel == SUBSCRIPTION
        },
    )
    paused = {
        (attempt.notification.account, *result.pause, _number(attempt)) for attempt, result in judged if result.pause
    }
    for account, what, until, code in sorted(paused):
        channel_pause.pause_channel(db, account, what, code, until)


def _outcome(attempt: Attempt, result: SendResult, now: datetime) -> Outcome:
    sent = result.state == "sent"
    in_short = sent and (attempt.notification.parked or (attempt.kind.brief and attempt.channel != SERVICE))
    return Outcome(
        attempt.notification.id,
        "waiting" if in_short else result.state,
        channel=attempt.channel,
        reason="+".join(filter(None, [attempt.reason, result.reason])),
        due_at=now if result.goes_on else result.due,
        platform_id=attempt.platform_id or None,
        offered_at=attempt.sent_at if sent and attempt.offers else None,
        unknown=result.unknown,
        in_short=in_short,
    )


def log_failure(attempt: Attempt, result: SendResult) -> None:
    """Log a failure with ids and codes; as an error where a person must act: wrong set-up, words that do not fit."""
    if attempt.failure is None:
        return
    say = log.error if Effect.ALARM in result.effects else log.info
    failure = attempt.failure
    rid = failure.rid if isinstance(failure, WeChatError) else ""
    say("push.not_sent", notice=attempt.notification.id, channel=attempt.channel, code=failure_code(failure), rid=rid)


def failure_code(failure: Failure | None) -> str:
    """Return a failure's code for the counts: WeChat's code, or a word where it has none."""
    match failure:
        case None:
            return "0"
        case WeChatError():
            return str(failure.code)
        case Unreachable():
            return "unknown" if failure.outcome_unknown else "unreachable"
        case BadField():
            return "bad_field"
        case NotBegun():
            return "not_begun"


def _number(attempt: Attempt) -> int:
    return attempt.failure.code if isinstance(attempt.failure, WeChatError) else 0
