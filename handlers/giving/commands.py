"""The giving room's commands: donors pledge, and fund holders run matching pools."""

from handlers.giving import pledge, pools
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import FUND_HOLDER

COMMANDS: tuple[Command, ...] = (
    Command("pledge", pledge.pledge, Takes.GIFT, guess=False),
    Command("pledge_to", pledge.pledge, Takes.GIFT_TO, guess=False),
    Command("pools", pools.pools, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    Command("open_pool", starts("open_pool"), staff=FUND_HOLDER, guess=False),
    Command("fund_pool", pools.fund, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    Command("close_pool", pools.close, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    Command("return_pool", pools.return_money, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    # Only numbered lines lead here.
    Command("let_go", pledge.let_go),
    Command("more_pools", pools.more_pools, staff=FUND_HOLDER),
)
