"""Ask for which resident an officer acts: one of those with a live mandate of the scope, or another one."""

from collections.abc import Callable

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.proxy.common import officer
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from models.people.user import User
from models.proxy.mandate import live_mandates

_MOST_PEOPLE = 6


def ask_which_resident(
    talk: Talk,
    scope: str,
    template: str,
    opens: str,
    new: str,
    of_resident: Callable[[User], tuple[object, ...]] = lambda _user: (),
) -> Answer:
    """List the residents with a live mandate of the scope, and a line for another; with none, begin a new mandate.

    ``opens``: the command of a resident's line, which takes the mandate's number; ``new``: the one for a new mandate.
    ``of_resident``: what a line says besides the masked name and the mandate's end. Raises NotYours.
    """
    staff, db = officer(talk.turn), talk.turn.db
    mandates = live_mandates(db, staff.id, scope, talk.world.now, _MOST_PEOPLE)
    if not mandates:
        return run_command(talk, new, [])
    options, lines = [], []
    for line, each in enumerate(mandates, 1):
        options.append(Option(line, "", ["command", opens, str(each.id)]))
        user = db.get_one(User, each.user_id)
        lines.append((line, user.masked_name, each.expires_at, *of_resident(user)))
    options.append(Option(len(lines) + 1, "", ["command", new]))
    return Answer([Say(template, None, {"lines": lines, "new": len(lines) + 1})], options)
