"""List the commands of goods."""

from handlers.goods import desk, joining, match_list, matches, own, sending
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS

COMMANDS: tuple[Command, ...] = (
    Command("start_request", starts("request_goods")),
    Command("start_offer", starts("offer_goods")),
    # Only numbered lines lead here.
    Command("renew_goods", own.renew),
    Command("take_down", desk.take_down, staff=OFFICERS),
    Command("approve_shop", desk.approve_shop, staff=OFFICERS),
    Command("my_parcels", sending.my_parcels, Takes.NUMBER),
    Command("ship_goods", sending.ship, Takes.CODE_AND_WORDS, guess=False),
    # Only numbered lines lead here, and a household's plain words (handlers.goods.plain_answers).
    Command("take_offer", joining.ask_for_offer),
    Command("give_requested", joining.give_requested),
    Command("view_match", matches.view),
    Command("my_goods", matches.my_goods),
    Command("matches_of", match_list.matches_of),
    Command("want_goods", matches.want),
    Command("want_part", matches.want_part),
    Command("leave_goods", matches.leave),
    Command("will_send", sending.will_send),
    Command("will_send_all", sending.will_send_all),
    Command("will_not_send", sending.will_not_send),
    Command("to_answer", sending.to_answer),
)
