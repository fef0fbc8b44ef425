"""List the commands of the market."""

from handlers.market import desk, own
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY

COMMANDS: tuple[Command, ...] = (
    Command("start_listing", starts("list_produce")),
    Command("my_sales", own.my_sales),
    Command("set_stock", own.stock, Takes.NUMBER_AND_WORDS, guess=False),
    # Only numbered lines lead here.
    Command("suspend_seller", desk.suspend_seller, staff=COUNTY),
    Command("resume_seller", desk.resume_seller, staff=COUNTY),
)
