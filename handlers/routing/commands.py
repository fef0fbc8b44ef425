"""List the commands that explain the account itself."""

from handlers.routing import menu
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("privacy", menu.privacy),
    Command("menu", menu.show, guess=False),
    Command("help", menu.help_, guess=False),
)
