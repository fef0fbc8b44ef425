"""List the commands of organisations."""

from handlers.organisations import own
from handlers.routing.answers import starts
from handlers.routing.command import Command
from handlers.routing.roles import COUNTY
from handlers.staff import decide

COMMANDS: tuple[Command, ...] = (
    Command("register_organisation", starts("register_organisation")),
    Command("my_organisations", own.show),
    # Only numbered lines lead here.
    Command("succeed", own.succeed),
    Command("ask_in_its_name", own.ask),
    Command("withdraw_organisation", own.withdraw),
    Command("dissolve_organisation", decide.dissolve, staff=COUNTY),
)
