"""List the commands of the public lists and their items, of the public ledger, and of appeals' pages and photos."""

from handlers.public import appeal_page, catalogue, ledger, photos
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS

COMMANDS: tuple[Command, ...] = (
    Command("browse_appeals", catalogue.appeals, Takes.WORDS),
    Command("browse_requests", catalogue.requests, Takes.WORDS),
    Command("browse_offers", catalogue.offers, Takes.WORDS),
    Command("browse_market", catalogue.market, Takes.WORDS),
    Command("public_ledger", ledger.public_ledger),
    Command("appeal_page", appeal_page.page, Takes.NUMBER, guess=False),
    Command("close_page", appeal_page.close, Takes.NUMBER, guess=False),
    Command("photos", photos.photos, Takes.NUMBER, staff=OFFICERS, guess=False),
    Command("take_photos_down", photos.take_down, Takes.NUMBER, guess=False),
    # Only numbered lines lead here.
    Command("view_request", catalogue.request),
    Command("view_offer", catalogue.offer),
    Command("view_listing", catalogue.listing),
    Command("agree_to_page", appeal_page.agree),
    Command("review_photo", photos.review_photo, staff=OFFICERS),
    Command("ask_again", photos.ask_again, staff=OFFICERS),
    Command("approve_photo", photos.approve, staff=OFFICERS),
    Command("keep_photo_back", photos.keep_back, staff=OFFICERS),
    Command("hide_photo", photos.hide, staff=OFFICERS),
)
