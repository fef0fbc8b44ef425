"""List the commands of the public lists and their items, of the public ledger, and of appeals' pages and photos."""

from handlers.public import appeal_page, catalogue, ledger, page_by_proxy, photos, poster
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS, VILLAGE_AND_TOWNSHIP

COMMANDS: tuple[Command, ...] = (
    Command("browse_appeals", catalogue.appeals, Takes.WORDS),
    Command("browse_requests", catalogue.requests, Takes.WORDS),
    Command("browse_offers", catalogue.offers, Takes.WORDS),
    Command("browse_market", catalogue.market, Takes.WORDS),
    Command("public_ledger", ledger.public_ledger),
    Command("appeal_page", appeal_page.page, Takes.NUMBER, guess=False),
    Command("close_page", appeal_page.close, Takes.NUMBER, guess=False),
    Command("poster", poster.poster, Takes.NUMBER),
    Command("photos", photos.photos, Takes.MATTER, staff=OFFICERS, guess=False, matters=("listing",)),
    Command("take_photos_down", photos.take_down, Takes.MATTER, guess=False, matters=("listing",)),
    # Only a scanned code leads here.
    Command("scan_appeal", poster.scanned),
    Command("scan_listing", catalogue.scanned_listing),
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
    Command("proxy_pages", page_by_proxy.choose_resident, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_page_mandate", page_by_proxy.new_mandate, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_pages_of", page_by_proxy.pages, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_page", page_by_proxy.page, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_agree_to_page", page_by_proxy.agree, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_close_page", page_by_proxy.close, staff=VILLAGE_AND_TOWNSHIP),
)
