"""List the commands that show the public lists, their items, the public ledger and an appeal's public page."""

from handlers.public import appeal_page, catalogue, ledger
from handlers.routing.command import Command, Takes

COMMANDS: tuple[Command, ...] = (
    Command("browse_appeals", catalogue.appeals, Takes.WORDS),
    Command("browse_requests", catalogue.requests, Takes.WORDS),
    Command("browse_offers", catalogue.offers, Takes.WORDS),
    Command("browse_market", catalogue.market, Takes.WORDS),
    Command("public_ledger", ledger.public_ledger),
    Command("appeal_page", appeal_page.page, Takes.NUMBER, guess=False),
    Command("close_page", appeal_page.close, Takes.NUMBER, guess=False),
    # Only numbered lines lead here.
    Command("view_request", catalogue.request),
    Command("view_offer", catalogue.offer),
    Command("view_listing", catalogue.listing),
    Command("agree_to_page", appeal_page.agree),
)
