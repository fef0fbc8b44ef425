"""List the commands that turn notifications on and off, and show officers an owner's notifications."""

from handlers.notifications import history, opt_out, subscribe, unread
from handlers.routing.command import Command
from handlers.routing.roles import OFFICERS

COMMANDS: tuple[Command, ...] = (
    Command("subscribe", subscribe.link_to_page, guess=False),
    Command("opt_out", opt_out.topics, guess=False),
    Command("news", unread.show, guess=False),
    # Without words of their own: only numbered lines lead to these.
    Command("turn_off", opt_out.off),
    Command("turn_on", opt_out.on),
    Command("mute_appeal", opt_out.mute_appeal),
    Command("view_told", history.view_history, staff=OFFICERS),
)
