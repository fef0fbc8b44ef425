"""List the commands by which staff sign in at the desk, and out of it."""

from handlers.desk import sign_in
from handlers.routing.command import Command, Takes
from handlers.routing.roles import STAFF

COMMANDS: tuple[Command, ...] = (
    # For others these are words too, of who asks about passwords.
    Command("desk_sign_in", sign_in.sign_in, Takes.CODE, guess=False),
    Command("desk_sign_out", sign_in.sign_out, guess=False),
    # Only a scanned code leads here, and only numbered lines to the next two.
    Command("desk_scan", sign_in.scanned),
    Command("desk_yes", sign_in.confirm, staff=STAFF),
    Command("desk_no", sign_in.deny, staff=STAFF),
)
