"""Prepare a batch for sending: claim its notifications, choose a channel for each, and take what it uses up."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bot.push.cards import Card
from bot.push.channels import MENU, SERVICE, SUBSCRIPTION, Choice, Means, choose
from bot.push.sending import Parcel
from models.notifications import channel_pause, outbox, service_window, subscription
from models.notifications.channel_pause import ChannelPause
from models.notifications.kinds import KINDS
from models.notifications.outbox import Outcome, Owed
from models.notifications.service_window import Window
from models.notifications.subscription import Subscription

# Notification -> channel -> the code for which it has just failed there.
RuledOut = dict[int, dict[str, str]]


def take(
    db: Session, ids: Sequence[int], cards: Mapping[str, Card], ruled_out: RuledOut, now: datetime
) -> list[Parcel]:
    """Claim the due notifications: return those to send now, in the order of their people, and settle the others."""
    claimed = outbox.claim(db, ids, now)
    if not claimed:
        return []
    people = {owed.conversation_id for owed in claimed}
    windows = service_window.open_windows(db, people, now)
    asked = any(card.subscription_id for card in cards.values())
    consents = subscription.find_consents(db, people) if asked else {}
    stops = channel_pause.stops(db, now)
    parcels, kept = [], []
    for owed in claimed:
        if owed.template not in KINDS:
            kept.append(Outcome(owed.id, "waiting", reason="no_words"))
            continue
        card = cards[KINDS[owed.template].card]
        theirs = windows.get(owed.conversation_id, [])
        consent = consents.get((owed.conversation_id, card.subscription_id))
        found = _pack(owed, card, theirs, consent, stops.get(owed.account, {}), ruled_out.get(owed.id, {}), now)
        if isinstance(found, Parcel):
            parcels.append(found)
        else:
            state = "owed" if found.until else "waiting"
            kept.append(Outcome(owed.id, state, reason=found.reason, due_at=found.until))
    outbox.note_channels(db, [(parcel.owed.id, parcel.channel) for parcel in parcels])
    outbox.settle(db, kept, now)
    return parcels


def _pack(
    owed: Owed,
    card: Card,
    windows: Sequence[Window],
    consent: Subscription | None,
    stops: Mapping[str, ChannelPause],
    ruled_out: Mapping[str, str],
    now: datetime,
) -> Parcel | Choice:
    """Choose a channel and take the window's message or the consent that it uses up; or return the choice of none."""
    kind = KINDS[owed.template]
    usable = any(one.left is None or one.left > 0 for one in windows)
    consented = consent is not None and (consent.for_good or consent.left > 0)
    choice = choose(kind, owed, Means(usable, consented, card, stops, ruled_out), now)
    if choice.channel is None:
        return choice
    parcel = Parcel(owed, kind, card, choice.channel, choice.reason, menus=MENU not in stops)
    if choice.channel == SERVICE and (used := service_window.use_one(windows)):
        parcel.window = (used.conversation_id, used.kind, used.ends_at)
    if choice.channel == SUBSCRIPTION and consent and not consent.for_good:
        consent.left -= 1
        parcel.consent = (consent.conversation_id, consent.template_id)
    return parcel
