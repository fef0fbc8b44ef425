"""List the commands that explain the account itself."""

from handlers.routing import intents, loose_photos, menu
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("privacy", menu.privacy, only_reads=True),
    Command("menu", menu.show, guess=False, only_reads=True),
    Command("help", menu.help_, guess=False, only_reads=True),
    Command("resume", lambda talk: talk.engine.resume(talk.session, talk.world), guess=False),
    # Only numbered lines lead here.
    Command("answer", intents.run_intent),
    Command("use_photos", loose_photos.use),
    Command("drop_photos", loose_photos.drop),
)
