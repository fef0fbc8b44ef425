"""Kinds of notifications about updates, thanks, digests and emergency calls, and about their review."""

from models.notifications.kinds import LOOK, MY_GIFTS, NO_MORE, PLEDGE_AGAIN, Kind, Offer, Standing, legal, to_staff

GIVE = Offer("give", ("pledge", "number"))

KINDS: dict[str, Kind] = {
    "appeal_update": Kind(
        Standing.NEWS, "progress", topic="progress", offers=(LOOK, PLEDGE_AGAIN, NO_MORE), brief=True
    ),
    "broadcast_done": to_staff(),
    "digest": Kind(Standing.NEWS, "progress", topic="digest", offers=(MY_GIFTS,), marketing=True),
    "disaster_call": Kind(Standing.NEWS, "progress", topic="calls", offers=(LOOK, GIVE, NO_MORE), marketing=True),
    "thanks": Kind(Standing.NEWS, "progress", topic="progress", offers=(LOOK, NO_MORE), brief=True),
    "update_decided": legal(),
    "update_due": legal(),
}
