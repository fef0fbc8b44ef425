"""Prepare a batch for sending: claim its notifications, choose a channel for each, and take what it uses up."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bot.push.cards import Card
from bot.push.channels import MENU, SERVICE, SUBSCRIPTION, ChannelChoice, Means, choose
from bot.push.sender import Attempt
from models.notifications import channel_pause, outbox, service_window, subscription
from models.notifications.channel_pause import ChannelPause
from models.notifications.kinds import KINDS
from models.notifications.outbox import ClaimedNotification, Outcome
from models.notifications.service_window import ServiceWindow
from models.notifications.subscription import Subscription

# Notification -> channel -> the code for which it has just failed there.
RuledOut = dict[int, dict[str, str]]


def prepare_batch(
    db: Session, ids: Sequence[int], cards: Mapping[str, Card], ruled_out: RuledOut, now: datetime
) -> list[Attempt]:
    """Claim the due notifications: return those to send now, in the order of their people, and settle the others."""
    claimed = outbox.claim_due(db, ids, now)
    if not claimed:
        return []
    people = {notification.conversation_id for notification in claimed}
    windows = service_window.open_windows(db, people, now)
    asked = any(card.subscription_id for card in cards.values())
    consents = subscription.lock_consents(db, people) if asked else {}
    pauses = channel_pause.current_pauses(db, now)
    attempts, kept = [], []
    for notification in claimed:
        if notification.template not in KINDS:
            kept.append(Outcome(notification.id, "waiting", reason="no_words"))
            continue
        card = cards[KINDS[notification.template].card]
        theirs = windows.get(notification.conversation_id, [])
        consent = consents.get((notification.conversation_id, card.subscription_id))
        paused = pauses.get(notification.account, {})
        found = _pack(notification, card, theirs, consent, paused, ruled_out.get(notification.id, {}), now)
        if isinstance(found, Attempt):
            attempts.append(found)
        else:
            state = "owed" if found.until else "waiting"
            kept.append(Outcome(notification.id, state, reason=found.reason, due_at=found.until))
    outbox.note_channels(db, [(attempt.notification.id, attempt.channel) for attempt in attempts])
    outbox.keep_outcomes(db, kept, now)
    return attempts


def _pack(
    notification: ClaimedNotification,
    card: Card,
    windows: Sequence[ServiceWindow],
    consent: Subscription | None,
    pauses: Mapping[str, ChannelPause],
    ruled_out: Mapping[str, str],
    now: datetime,
) -> Attempt | ChannelChoice:
    """Choose a channel and take the window's message or the consent that it uses up; or return the choice of none."""
    kind = KINDS[notification.template]
    usable = any(one.left is None or one.left > 0 for one in windows)
    consented = consent is not None and (consent.for_good or consent.left > 0)
    choice = choose(kind, notification, Means(usable, consented, card, pauses, ruled_out), now)
    if choice.channel is None:
        return choice
    attempt = Attempt(notification, kind, card, choice.channel, choice.reason, menus=MENU not in pauses)
    if choice.channel == SERVICE and (used := service_window.use_message(windows)):
        attempt.window = (used.conversation_id, used.kind, used.ends_at)
    if choice.channel == SUBSCRIPTION and consent and not consent.for_good:
        consent.left -= 1
        attempt.consent = (consent.conversation_id, consent.template_id)
    return attempt
