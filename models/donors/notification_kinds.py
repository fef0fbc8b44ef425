"""Kinds of notifications about recurring gifts, messages and receipts."""

from datetime import timedelta

from models.notifications.kinds import NO_MORE, Kind, Offer, Standing, legal

READ_MESSAGES = Offer("read_messages", ("messages", "number"))
PAY_RECURRING_GIFT = Offer("pay_recurring_gift", ("pay_recurring_gift", "number"))
SKIP_RECURRING_GIFT = Offer("skip_recurring_gift", ("skip_recurring_gift", "number"))
STOP_RECURRING_GIFT = Offer("stop_recurring_gift", ("stop_recurring_gift", "number"))

KINDS: dict[str, Kind] = {
    "gift_message": Kind(Standing.SERVICE, "progress", topic="messages", offers=(READ_MESSAGES, NO_MORE), brief=True),
    "message_decided": legal(),
    "recurring_gift_due": Kind(
        Standing.SERVICE,
        "money",
        topic="reminders",
        offers=(PAY_RECURRING_GIFT, SKIP_RECURRING_GIFT, STOP_RECURRING_GIFT),
        running=timedelta(days=1),
    ),
    "recurring_gift_ended": Kind(Standing.SERVICE, "progress"),
    "receipt_decided": legal(),
}
