"""Kinds of notifications about recurring gifts, messages and receipts."""

from datetime import timedelta

from models.notifications.kinds import NO_MORE, Kind, Offer, Standing, legal

READ_MESSAGES = Offer("read_messages", ("messages", "number"))
PAY_MONTHLY = Offer("pay_monthly", ("pay_monthly", "number"))
SKIP_MONTHLY = Offer("skip_monthly", ("skip_monthly", "number"))
STOP_MONTHLY = Offer("stop_monthly", ("stop_monthly", "number"))

KINDS: dict[str, Kind] = {
    "gift_message": Kind(Standing.SERVICE, "progress", topic="messages", offers=(READ_MESSAGES, NO_MORE), brief=True),
    "message_decided": legal(),
    "recurring_gift_due": Kind(
        Standing.SERVICE,
        "money",
        topic="reminders",
        offers=(PAY_MONTHLY, SKIP_MONTHLY, STOP_MONTHLY),
        running=timedelta(days=1),
    ),
    "recurring_gift_ended": Kind(Standing.SERVICE, "progress"),
    "receipt_decided": legal(),
}
