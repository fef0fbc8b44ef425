"""The proxy room's commands: officers' acts for residents without a phone, and residents' answers to them."""

from handlers.proxy import acts
from handlers.routing.answers import starts
from handlers.routing.command import Command
from handlers.routing.roles import VILLAGE_AND_TOWNSHIP

COMMANDS: tuple[Command, ...] = (
    Command("proxy", acts.proxy, staff=VILLAGE_AND_TOWNSHIP, guess=False),
    Command("authorise_proxy", acts.authorise, guess=False),
    Command("proxy_acts", acts.acts),
    # Only numbered lines lead here.
    Command("proxy_register", starts("proxy_register"), staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_appeal", acts.appeal, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_mandate", starts("proxy_mandate"), staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_write", acts.write, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_card", starts("proxy_card"), staff=VILLAGE_AND_TOWNSHIP),
    Command("take_back", acts.take_back),
    Command("confirm_act", acts.confirm),
    Command("deny_act", acts.deny),
    Command("void_card", acts.void_card),
    # A scan of a printed card.
    Command("bind_card", acts.scanned),
)
