"""Every command: its name (words in config/keywords.toml), what it does, what may follow it, and who may say it."""

from handlers import begin, menu
from handlers.commands import Command

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("start_register", begin.register),
        Command("start_one_to_one", begin.one_to_one),
        Command("start_crowdfund", begin.crowdfund),
        Command("start_request", begin.request),
        Command("start_offer", begin.offer),
        Command("start_listing", begin.listing),
        Command("privacy", menu.privacy),
    )
}
