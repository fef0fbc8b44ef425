"""List the commands of goods."""

from handlers.goods import (
    arrivals,
    by_proxy,
    complaints,
    desk,
    joining,
    match_desk,
    match_list,
    matches,
    own,
    points,
    rounds,
    sending,
    thanks,
)
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import KEEPER, OFFICERS, VILLAGE_AND_TOWNSHIP

_AT_POINTS = OFFICERS | KEEPER

COMMANDS: tuple[Command, ...] = (
    Command("start_request", starts("request_goods")),
    Command("start_offer", starts("offer_goods")),
    Command("points", points.points, Takes.NUMBER, staff=_AT_POINTS, guess=False),
    Command("open_point", starts("open_point"), staff=OFFICERS, guess=False),
    Command("close_point", points.ask_close, Takes.NUMBER, staff=_AT_POINTS, guess=False),
    Command("parcel_here", arrivals.parcel_here, Takes.CODES, staff=KEEPER, guess=False),
    Command("hand_out", arrivals.hand_out, Takes.CODE, staff=VILLAGE_AND_TOWNSHIP | KEEPER, guess=False),
    # Only numbered lines lead to these.
    Command("ask_close_point", points.ask_close, staff=_AT_POINTS),
    Command("change_point", points.change, staff=OFFICERS),
    Command("close_now", points.close_now, staff=_AT_POINTS),
    Command("point_list", points.point_list, staff=_AT_POINTS),
    Command("view_parcel", points.view_parcel, staff=OFFICERS),
    Command("print_collection_card", points.print_collection_card, staff=VILLAGE_AND_TOWNSHIP),
    Command("give_word", points.give_word, staff=VILLAGE_AND_TOWNSHIP),
    Command("carry_goods", points.carry_goods, staff=OFFICERS),
    Command("keep_point", points.keep, staff=KEEPER),
    Command("decline_point", points.decline_point, staff=KEEPER),
    Command("take_all", arrivals.take_all, staff=KEEPER),
    Command("one_by_one", arrivals.one_by_one, staff=KEEPER),
    Command("take_amiss", arrivals.take_amiss, staff=KEEPER),
    # Only numbered lines lead here.
    Command("renew_goods", own.renew),
    Command("why_place", rounds.why_place),
    Command("view_rounds", rounds.view_rounds, staff=OFFICERS),
    Command("take_down", desk.take_down, staff=OFFICERS),
    Command("approve_shop", desk.approve_shop, staff=OFFICERS),
    Command("my_parcels", sending.my_parcels, Takes.NUMBER),
    Command("ship_goods", sending.ship, Takes.CODE_AND_WORDS, guess=False),
    # Only numbered lines lead here, and a household's plain words (handlers.goods.plain_answers).
    Command("proxy_goods", by_proxy.choose_resident, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_goods_mandate", by_proxy.new_mandate, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_goods_of", by_proxy.proposals, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_proposal", by_proxy.proposal, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_want", by_proxy.want, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_part", by_proxy.want_part, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_leave", by_proxy.leave, staff=VILLAGE_AND_TOWNSHIP),
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
    Command("not_got", complaints.not_got, guess=False),
    # Only numbered lines lead here.
    Command("say_wrong", complaints.say_wrong),
    Command("have_goods", complaints.have_goods),
    Command("thank_goods", thanks.thank_goods),
    Command("view_thanks", thanks.view_thanks),
    Command("dismiss_match", match_desk.dismiss_match, staff=OFFICERS),
    Command("close_loss", match_desk.close_loss, staff=OFFICERS),
)
