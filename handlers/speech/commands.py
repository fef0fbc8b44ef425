"""List the commands about voices. The word for what was heard is a control word, since it leaves no question."""

from handlers.routing.command import Command
from handlers.speech import answer, consent

COMMANDS: tuple[Command, ...] = (
    Command("allow_voice", consent.allow_by_word, guess=False),
    Command("stop_voice", consent.stop, guess=False),
    # Only numbered lines lead here.
    Command("agree_to_voice", consent.agree),
    Command("refuse_voice", consent.refuse),
    Command("use_voice", answer.use),
    Command("drop_voice", answer.drop),
)
