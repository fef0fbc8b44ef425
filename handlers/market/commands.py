"""List the commands of the market."""

from handlers.market import desk, harvest, lots, own
from handlers.market.after_sales import desk as after_sales_desk
from handlers.market.after_sales import own as after_sales
from handlers.market.campaigns import firms
from handlers.market.campaigns import own as campaigns
from handlers.market.orders import buying, choices
from handlers.market.orders import own as orders
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY, TOWNSHIP_AND_COUNTY

COMMANDS: tuple[Command, ...] = (
    Command("start_listing", own.start_listing),
    Command("my_sales", own.my_sales),
    Command("set_stock", own.stock, Takes.NUMBER_AND_WORDS, guess=False),
    Command("poor_harvest", harvest.poor_harvest, Takes.NUMBER_AND_WORDS, guess=False),
    Command("harvested", lots.harvested, Takes.NUMBER_AND_WORDS, guess=False),
    Command("buy", buying.buy, Takes.NUMBERED_AND_WORDS, guess=False),
    Command("orders", orders.orders, Takes.CODE),
    Command("send_order", orders.send_order, Takes.CODE_AND_WORDS, guess=False),
    Command("after_sale", after_sales.after_sale, Takes.CODE, guess=False),
    Command("campaigns", campaigns.campaigns, Takes.NUMBERED_AND_WORDS),
    Command("order_tonnes", campaigns.order_tonnes, Takes.GIFT, guess=False),
    Command("start_campaign", starts("open_campaign"), staff=COUNTY, guess=False),
    Command("take_less", choices.take_less, guess=False),
    Command("wait_rest", choices.wait_rest, guess=False),
    Command("all_back", choices.all_back, guess=False),
    # Only numbered lines lead here.
    Command("list_for_family", own.list_for_family),
    Command("list_in_its_name", own.list_in_its_name),
    Command("suspend_seller", desk.suspend_seller, staff=COUNTY),
    Command("resume_seller", desk.resume_seller, staff=COUNTY),
    Command("say_after_sale", after_sales.say_after_sale),
    Command("uphold_after_sale", after_sales_desk.uphold_after_sale, staff=TOWNSHIP_AND_COUNTY),
    Command("orders_of", orders.orders_of),
    Command("view_order", orders.view_order),
    Command("accept_order", orders.accept_order),
    Command("decline_order", orders.decline_order),
    Command("hand_over_order", orders.hand_over_order),
    Command("got_order", orders.got_order),
    Command("cancel_order", orders.cancel_order),
    Command("reduce_harvest", harvest.reduce),
    Command("confirm_harvested", lots.confirm),
    Command("open_campaigns", campaigns.open_campaigns),
    Command("begin_pledge", campaigns.begin_pledge),
    Command("take_back_pledge", campaigns.take_back_pledge),
    Command("join_campaign", campaigns.join_campaign),
    Command("supply_most", campaigns.supply_most),
    Command("leave_campaign", campaigns.leave_campaign),
    Command("campaign_parts", campaigns.campaign_parts),
    Command("campaign_firms", firms.campaign_firms, staff=COUNTY),
    Command("strike_firm", firms.strike_firm, staff=COUNTY),
)
