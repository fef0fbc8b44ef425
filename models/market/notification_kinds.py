"""The notification kinds of the market."""

from models.notifications.kinds import Kind, Offer, Standing, legal, to_staff

# The seller's answers to an order, and the buyer's to what was sent.
ACCEPT = Offer("accept_order", ("accept_order", "order"))
DECLINE = Offer("decline_order", ("decline_order", "order"))
# What the buyer whose share of a short harvest is less may choose.
CHOICES = tuple(Offer(name, (name, "order")) for name in ("take_less", "wait_rest", "all_back"))
# What the buyer may choose whose order is picked on other days than was said.
MOVED = (Offer("keep_waiting", ("wait_rest", "order")), Offer("all_back", ("all_back", "order")))
GOT = Offer("got_order", ("got_order", "order"))
JOIN = Offer("join_campaign", ("join_campaign", "campaign"))
SEE_CAMPAIGN = Offer("see_campaign", ("campaigns", "campaign"))

KINDS: dict[str, Kind] = {
    "ordered": Kind(Standing.MONEY, "money", offers=(ACCEPT, DECLINE)),
    "order_paid": Kind(Standing.MONEY, "money"),
    "order_refunded": Kind(Standing.MONEY, "money"),
    "order_released": Kind(Standing.MONEY, "money"),
    **dict.fromkeys(("order_accepted", "order_agreed"), legal()),
    "order_cut": legal(),
    "order_short": legal(offers=CHOICES),
    "order_filled": legal(),
    "harvest_moved": legal(offers=MOVED),
    "shipped": Kind(Standing.SERVICE, "goods", offers=(GOT,)),
    "order_handed": legal(),
    "order_received": Kind(Standing.SERVICE, "progress"),
    "order_ended": legal(),
    "after_sale_moved": legal(),
    "after_sale_ends": to_staff(),
    **dict.fromkeys(("lot_picking", "lot_ends", "lot_failed", "lot_harvested"), legal()),
    "campaign_opened": Kind(Standing.SERVICE, "progress", offers=(JOIN, SEE_CAMPAIGN), brief=True),
    "campaign_ended": legal(),
    "campaign_moved": to_staff(),
    "campaign_firms": to_staff(),
    "firm_struck": legal(),
    "organisation_sales": legal(),
    "stock_low": Kind(Standing.SERVICE, "progress", topic="reminders"),
}
