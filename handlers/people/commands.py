"""List the commands by which people register and see their own things."""

from handlers.people import mine, switch
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("start_register", mine.register),
    Command("mine", mine.mine),
    Command("my_pledges", mine.my_pledges),
    Command("switch_person", switch.show, guess=False),
    Command("new_person", switch.new_person, guess=False),
    # Only numbered lines lead here.
    Command("switch_to", switch.switch_to),
)
