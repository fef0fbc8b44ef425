"""Keep the outcomes of a batch's sends in one transaction, and log the failures."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.push.channels import SERVICE, SUBSCRIPTION
from bot.push.sending import Failure, NotBegun, Parcel
from bot.push.verdict import Effect, Verdict
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.template_fields import BadField
from models.notifications import channel_pause, outbox, service_window, subscription
from models.notifications.outbox import Outcome

log = structlog.get_logger()


def keep(db: Session, judged: Sequence[tuple[Parcel, Verdict]], now: datetime) -> None:
    """Keep the outcomes; locks in the order in which turns do: the person, the notification, windows and consents."""

    def people(effect: Effect) -> list[int]:
        return sorted({parcel.owed.conversation_id for parcel, verdict in judged if effect in verdict.effects})

    refused = {
        parcel.owed.conversation_id: parcel.failure.code
        for parcel, verdict in judged
        if Effect.REFUSE_PERSON in verdict.effects and isinstance(parcel.failure, WeChatError)
    }
    outbox.refuse_people(db, refused)
    outbox.settle(db, [_outcome(parcel, verdict, now) for parcel, verdict in judged], now)
    unused = [parcel for parcel, verdict in judged if verdict.unused]
    service_window.give_back(db, [parcel.window for parcel in unused if parcel.window])
    if shut := people(Effect.CLOSE_WINDOWS):
        service_window.close_windows(db, shut)
    subscription.give_back(db, [parcel.consent for parcel in unused if parcel.consent])
    subscription.forget(
        db,
        {
            (parcel.owed.conversation_id, parcel.card.subscription_id)
            for parcel, verdict in judged
            if Effect.CLEAR_CONSENT in verdict.effects and parcel.channel == SUBSCRIPTION
        },
    )
    stopped = {(*verdict.stop, _number(parcel)) for parcel, verdict in judged if verdict.stop}
    for what, until, code in sorted(stopped):
        channel_pause.stop_channel(db, what, code, until)


def _outcome(parcel: Parcel, verdict: Verdict, now: datetime) -> Outcome:
    sent = verdict.state == "sent"
    in_short = sent and parcel.kind.brief and parcel.channel != SERVICE
    return Outcome(
        parcel.owed.id,
        "waiting" if in_short else verdict.state,
        channel=parcel.channel,
        reason="+".join(filter(None, [parcel.reason, verdict.reason])),
        due_at=now if verdict.goes_on else verdict.due,
        platform_id=parcel.platform_id or None,
        offers=sent and parcel.offers,
        unknown=verdict.unknown,
        in_short=in_short,
    )


def report(parcel: Parcel, verdict: Verdict) -> None:
    """Log a failure with ids and codes; as an error where a person must act: wrong set-up, words that do not fit."""
    if parcel.failure is None:
        return
    say = log.error if Effect.ALARM in verdict.effects else log.info
    failure = parcel.failure
    rid = failure.rid if isinstance(failure, WeChatError) else ""
    say("push.not_sent", notice=parcel.owed.id, channel=parcel.channel, code=code_of(failure), rid=rid)


def code_of(failure: Failure | None) -> str:
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


def _number(parcel: Parcel) -> int:
    return parcel.failure.code if isinstance(parcel.failure, WeChatError) else 0
