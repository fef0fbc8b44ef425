"""List the commands of the public figures."""

from handlers.figures import figures
from handlers.routing.command import Command, Takes

COMMANDS: tuple[Command, ...] = (
    Command("figures", figures.figures, Takes.WORDS),
    # Only numbered lines lead here.
    Command("view_figures", figures.show),
)
