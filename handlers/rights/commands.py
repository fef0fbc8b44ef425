"""List the commands of people's rights over their data."""

from flows.rights import change_home, change_phone, erasure, withdraw_publish
from flows.rights import export as exporting
from flows.rights.identity import WAIT
from handlers.rights import consents, export, my_data, number_claim, paper_erasure_desk
from handlers.rights.erasure import erase, without_places
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS, VILLAGE_AND_TOWNSHIP

COMMANDS: tuple[Command, ...] = (
    Command("export", export.export),
    Command("erase", erase, guess=False),
    Command("claim_number", starts("claim_number"), guess=False),
    Command("my_data", my_data.show),
    Command("consents", consents.show),
    Command("change_phone", starts("change_phone"), guess=False),
    Command("change_name", starts("change_name"), guess=False),
    Command("change_home", starts("change_home"), guess=False),
    # For a person without a phone.
    Command("erase_on_paper", starts("erase_on_paper"), staff=VILLAGE_AND_TOWNSHIP, guess=False),
    Command("stop_paper_erasure", paper_erasure_desk.stop, Takes.NUMBER, staff=OFFICERS, guess=False),
    # Only numbered lines lead here.
    Command("ask_withdraw_consent", consents.ask),
    Command("withdraw_consent", consents.withdraw),
    Command("ask_withdraw_claim", number_claim.ask),
    Command("withdraw_claim", number_claim.end),
    Command(exporting.WAY.command, export.wait),
    Command(erasure.WAY.command, without_places),
    Command(change_home.WAY.command, starts("change_home", {"waits": True}, last_places=WAIT)),
    Command(withdraw_publish.WAY.command, consents.without_places),
    Command(change_phone.WAY.command, starts("change_phone", {"waits": True}, last_places=WAIT)),
)
