"""Every command: its name (words in config/keywords.toml), what it does, what may follow it, and who may say it."""

from handlers import begin, browse, contact, decide, giving, human, looked, menu, mine, staff, tickets, todo
from handlers.commands import Command, Takes
from models.machine import By

_STAFF = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY, By.FUND_HOLDER})
_COUNTY = frozenset({By.COUNTY})
_HELPERS = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("start_register", begin.register),
        Command("start_one_to_one", begin.one_to_one),
        Command("start_crowdfund", begin.crowdfund),
        Command("start_request", begin.request),
        Command("start_offer", begin.offer),
        Command("start_listing", begin.listing),
        Command("pledge", giving.pledge, Takes.GIFT, guess=False),
        Command("pledge_to", giving.pledge, Takes.GIFT_TO, guess=False),
        Command("privacy", menu.privacy),
        Command("who_looked", looked.who_looked),
        Command("browse_appeals", browse.appeals, Takes.WORDS),
        Command("browse_requests", browse.requests, Takes.WORDS),
        Command("browse_offers", browse.offers, Takes.WORDS),
        Command("browse_market", browse.market, Takes.WORDS),
        Command("mine", mine.mine),
        Command("my_pledges", mine.my_pledges),
        Command("look", staff.look, Takes.MATTER, guess=False),
        Command("todo", todo.todo, staff=_STAFF),
        Command("approve", decide.approve, Takes.MATTER, staff=_STAFF, guess=False),
        Command("send_back", decide.send_back, Takes.MATTER_AND_WORDS, staff=_STAFF, guess=False),
        Command("reject", decide.reject, Takes.MATTER_AND_WORDS, staff=_HELPERS, guess=False),
        Command("stop", decide.stop, Takes.MATTER_AND_WORDS, staff=_COUNTY, guess=False),
        Command("go_on", decide.go_on, Takes.MATTER, staff=_COUNTY, guess=False),
        Command("answer_ticket", tickets.answer_ticket, Takes.NUMBER_AND_WORDS, staff=_HELPERS, guess=False),
        # Taps on the custom menu name these too; typed, they are control words.
        Command("menu", menu.show, guess=False),
        Command("help", menu.help_, guess=False),
        Command("human", human.call, guess=False),
        # Only numbered lines lead here.
        Command("view_appeal", browse.appeal),
        Command("public_story", browse.story),
        Command("public_budget", browse.budget),
        Command("view_request", browse.request),
        Command("view_offer", browse.offer),
        Command("view_listing", browse.listing),
        Command("buy", contact.buy),
        Command("take_offer", contact.take),
        Command("give_requested", contact.give),
        Command("talk_about", human.talk_about),
        Command("view_story", staff.view_story, staff=_STAFF),
        Command("view_budget", staff.view_budget, staff=_STAFF),
        Command("view_ticket", tickets.view_ticket, staff=_HELPERS),
        Command("revoke_case", decide.revoke, staff=_COUNTY),
    )
}
