"""The notification kinds of goods given away."""

from datetime import timedelta

from models.notifications.kinds import Kind, Offer, Standing, join_count, legal

SEE_REQUEST = Offer("see_request", ("view_request", "request"))
RENEW = Offer("renew_goods", ("renew_goods", "reference"))
WITHDRAW = Offer("withdraw_goods", ("withdraw", "reference"))
SEE_OFFER = Offer("see_offer", ("view_offer", "offer"))

KINDS: dict[str, Kind] = {
    "collection_code": Kind(Standing.SERVICE, "goods"),
    "goods_moved": legal(),
    "goods_old": Kind(Standing.SERVICE, "progress", offers=(RENEW, WITHDRAW)),
    "goods_received": Kind(Standing.SERVICE, "progress", topic="progress"),
    "match_found": Kind(
        Standing.SERVICE, "progress", topic="matches", offers=(SEE_OFFER,), running=timedelta(days=1), join=join_count
    ),
    "need_found": Kind(
        Standing.SERVICE, "progress", topic="matches", offers=(SEE_REQUEST,), running=timedelta(days=1), join=join_count
    ),
}
