"""List the commands of goods."""

from handlers.goods import desk, own
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS
from models.goods.review import KINDS

COMMANDS: tuple[Command, ...] = (
    Command("start_request", starts("request_goods")),
    Command("start_offer", starts("offer_goods")),
    Command("take_off", own.take_off, Takes.MATTER_AND_WORDS, guess=False, matters=KINDS, unmarked="listing"),
    Command("gave_all", own.gave_all, Takes.MATTER, guess=False, matters=("offer",), unmarked="offer"),
    Command("got_it", own.got_it, Takes.MATTER, guess=False, matters=("request",), unmarked="request"),
    Command("sold_out", own.sold_out, Takes.MATTER, guess=False, matters=("listing",), unmarked="listing"),
    # Only numbered lines lead here.
    Command("withdraw_goods", own.withdraw),
    Command("renew_goods", own.renew),
    Command("take_down", desk.take_down, staff=OFFICERS),
    Command("pass_shop", desk.pass_shop, staff=OFFICERS),
)
