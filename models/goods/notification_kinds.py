"""The notification kinds of goods given away."""

from datetime import timedelta
from functools import partial
from typing import Any

from models.notifications.kinds import Kind, Offer, Standing, join_count, legal, safety, to_staff

SEE_REQUEST = Offer("see_request", ("view_request", "request"))
RENEW = Offer("renew_goods", ("renew_goods", "reference"))
WITHDRAW = Offer("withdraw_goods", ("withdraw", "reference"))

SEE_THANKS = Offer("see_thanks", ("view_thanks", "thanks"))

# The answers to a proposal, and a donor's to a household's wish.
WANT = Offer("want_goods", ("want_goods", "match"))
WANT_PART = Offer("want_part", ("want_part", "match"))
DO_NOT_WANT = Offer("leave_goods", ("leave_goods", "match"))
WILL_SEND = Offer("will_send", ("will_send", "reference"))
WILL_NOT_SEND = Offer("will_not_send", ("will_not_send", "reference"))


def join_matches(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Join what is told of several matches of one offer, so that forty households make one message, not forty.

    ``reference`` becomes the offer: its donor sees the list before they answer. ``county`` is empty where they differ.
    """
    days = [day for day in (before["until"], now["until"]) if day]
    joined = {
        "count": before["count"] + now["count"],
        "quantity": before["quantity"] + now["quantity"],
        "until": min(days, default=None),
        "reference": f"offer:{now['offer']}",
    }
    for name in ("county", "place"):
        joined[name] = now[name] if before[name] == now[name] else ""
    return {**now, **joined}


# Of a round's households each answers for itself: their donor hears of those of some hours together.
_together = partial(Kind, running=timedelta(hours=6), join=join_matches)
_of_the_day = partial(Kind, Standing.SERVICE, "progress", running=timedelta(days=1), join=join_matches)

# A keeper's answers about a handover point, and an officer's look at one.
KEEP_POINT = Offer("keep_point", ("keep_point", "point"))
LEAVE_POINT = Offer("leave_point", ("decline_point", "point"))
SEE_POINT = Offer("see_point", ("points", "number"))

KINDS: dict[str, Kind] = {
    "collection_code": Kind(Standing.LEGAL, "goods", brief=True),
    "goods_proposed": legal(offers=(WANT, DO_NOT_WANT, WANT_PART)),
    "goods_wanted": _together(Standing.LEGAL, "progress", offers=(WILL_SEND, WILL_NOT_SEND), brief=True),
    "goods_coming": Kind(Standing.SERVICE, "progress"),
    "goods_shipped": Kind(Standing.SERVICE, "progress"),
    "goods_arrived": _of_the_day(),
    "goods_handed": safety(),
    "goods_ended": legal(),
    "goods_freed": _of_the_day(),
    "parcel_coming": to_staff(running=timedelta(hours=6), join=join_count),
    "point_offered": to_staff(offers=(KEEP_POINT, LEAVE_POINT)),
    "point_answered": to_staff(offers=(SEE_POINT,)),
    "point_closed": to_staff(offers=(SEE_POINT,)),
    "goods_carried": to_staff(),
    "goods_point_moved": legal(),
    "parcel_point_moved": legal(),
    "goods_moved": legal(),
    "goods_wait": Kind(Standing.LEGAL, "goods", brief=True),
    "goods_unsent": legal(),
    "goods_written_off": Kind(Standing.SERVICE, "progress"),
    "shelf_written_off": to_staff(),
    "goods_thanked": Kind(Standing.SERVICE, "progress", topic="progress", offers=(SEE_THANKS,)),
    "goods_thanks_decided": Kind(Standing.SERVICE, "progress"),
    "goods_issue_decided": legal(),
    "match_issue_decided": to_staff(),
    "goods_old": Kind(Standing.SERVICE, "progress", offers=(RENEW, WITHDRAW)),
    "goods_received": _of_the_day(topic="progress"),
    "need_found": Kind(
        Standing.SERVICE, "progress", topic="matches", offers=(SEE_REQUEST,), running=timedelta(days=1), join=join_count
    ),
}
