"""List the commands by which people register and see their own things."""

from functools import partial

from handlers.people import mine, own_things, switch
from handlers.routing.command import Command, Takes

# The kinds of things that owners' words may be followed by; in words (config/readers.toml) and with their numbers.
_OWNED = ("appeal", "request", "offer", "listing", "update")

COMMANDS: tuple[Command, ...] = (
    Command("start_register", mine.register),
    Command("mine", mine.mine),
    Command("my_pledges", mine.my_pledges),
    Command("switch_person", switch.show, guess=False),
    Command("new_person", switch.new_person, guess=False),
    *(
        Command(word, partial(own_things.use_word, word), takes, guess=False, matters=_OWNED, unmarked="")
        for word, takes in {**dict.fromkeys(own_things.WORDS, Takes.MATTER), "take_off": Takes.MATTER_AND_WORDS}.items()
    ),
    # Only numbered lines lead here.
    Command("more_own", own_things.more_own),
    Command("other_words", own_things.other_words),
    Command("switch_to", switch.switch_to),
)
