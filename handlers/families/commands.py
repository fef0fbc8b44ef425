"""List the commands of households and their members."""

from handlers.families import by_proxy, desk, leaving, members
from handlers.routing.command import Command
from handlers.routing.roles import TOWNSHIP_AND_COUNTY, VILLAGE_AND_TOWNSHIP

COMMANDS: tuple[Command, ...] = (
    Command("family", members.show, guess=False),
    # Only numbered lines lead here.
    Command("family_add", members.add),
    Command("family_member", members.ask_why),
    Command("family_end", members.end),
    Command("leave_family", leaving.ask),
    Command("leave_family_now", leaving.leave),
    Command("answer_household", desk.answer_question, staff=TOWNSHIP_AND_COUNTY),
    Command("proxy_family", by_proxy.choose_resident, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_family_mandate", by_proxy.new_mandate, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_family_of", by_proxy.show, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_family_add", by_proxy.add, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_family_member", by_proxy.ask_why, staff=VILLAGE_AND_TOWNSHIP),
    Command("proxy_family_end", by_proxy.end, staff=VILLAGE_AND_TOWNSHIP),
)
