"""The notification kinds of goods given away."""

from datetime import timedelta

from models.notifications.kinds import Kind, Offer, Standing, join_count, legal, safety, to_staff

SEE_REQUEST = Offer("see_request", ("view_request", "request"))
RENEW = Offer("renew_goods", ("renew_goods", "reference"))
WITHDRAW = Offer("withdraw_goods", ("withdraw", "reference"))
SEE_OFFER = Offer("see_offer", ("view_offer", "offer"))

# The answers to a proposal, and a donor's to a household's wish.
WANT = Offer("want_goods", ("want_goods", "match"))
WANT_PART = Offer("want_part", ("want_part", "match"))
DO_NOT_WANT = Offer("leave_goods", ("leave_goods", "match"))
WILL_SEND = Offer("will_send", ("will_send", "match"))
WILL_NOT_SEND = Offer("will_not_send", ("will_not_send", "match"))

KINDS: dict[str, Kind] = {
    "collection_code": Kind(Standing.LEGAL, "goods", brief=True),
    "goods_proposed": legal(offers=(WANT, DO_NOT_WANT, WANT_PART)),
    "goods_wanted": legal(offers=(WILL_SEND, WILL_NOT_SEND)),
    "goods_coming": Kind(Standing.SERVICE, "progress"),
    "goods_shipped": Kind(Standing.SERVICE, "progress"),
    "goods_arrived": Kind(Standing.SERVICE, "progress"),
    "goods_handed": safety(),
    "goods_ended": legal(),
    "goods_freed": Kind(Standing.SERVICE, "progress"),
    "parcel_coming": to_staff(),
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
