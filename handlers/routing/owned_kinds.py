"""Collect, by subject, what owners' words do to each kind of thing, as the rooms declare it."""

from handlers.appeals import correction as appeals
from handlers.disbursements import own as disbursements
from handlers.goods import offers, requests, thanks
from handlers.market import listings
from handlers.outreach import own as updates
from handlers.people.own_things import OwnedKind

OWNED_KINDS: dict[str, OwnedKind] = {
    room.OWNED.subject: room.OWNED for room in (appeals, requests, offers, listings, updates, disbursements, thanks)
}
