"""List the commands that show the public lists, their items and the public ledger."""

from handlers.public import catalogue, ledger
from handlers.routing.command import Command, Takes

COMMANDS: tuple[Command, ...] = (
    Command("browse_appeals", catalogue.appeals, Takes.WORDS),
    Command("browse_requests", catalogue.requests, Takes.WORDS),
    Command("browse_offers", catalogue.offers, Takes.WORDS),
    Command("browse_market", catalogue.market, Takes.WORDS),
    Command("public_ledger", ledger.public_ledger),
    # Only numbered lines lead here.
    Command("view_request", catalogue.request),
    Command("view_offer", catalogue.offer),
    Command("view_listing", catalogue.listing),
)
