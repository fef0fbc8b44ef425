"""Kinds of notifications about payments and refunds."""

from models.notifications.kinds import LOOK, MY_GIFTS, Kind, Offer, Standing, legal

LEAVE_MESSAGE = Offer("leave_message", ("leave_message", "code"))

KINDS: dict[str, Kind] = {
    "payment_late": Kind(Standing.MONEY, "money"),
    "payment_received": Kind(Standing.MONEY, "money", offers=(MY_GIFTS, LEAVE_MESSAGE)),
    "redirected": Kind(Standing.MONEY, "money", offers=(LOOK,), brief=True),
    "refunded": Kind(Standing.MONEY, "money"),
    "refunds_done": legal(),
}
