"""Open a file by its number (看 <number>), and build the parts that files share: pictures, signed sheet, decisions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flows.engine.flow import Answer
from handlers.public import catalogue
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.subject_actions import actions_for
from models.oversight.pictures import count_pictures
from models.proxy.mandate import signed_sheet_of
from models.staff.file_access import TaskView


def open_file(talk: Talk, reference: str = "") -> Answer:
    """Show to staff of the region the file, to others the public page; without a number, the list of appeals."""
    if not reference:
        return catalogue.appeals(talk)
    if reference.startswith("point:"):
        return run_command(talk, "points", [reference.removeprefix("point:")])
    actions, number = actions_for(talk, reference)
    return actions.show_file(talk, number)


def pictures(talk: Talk, subject: str, number: int, *, hidden: bool = False) -> dict[str, Any]:
    """Count the pictures and link to their page; none with ``hidden``, for a reader who may not see them."""
    count = 0 if hidden else count_pictures(talk.turn.db, subject, number)
    return {"pictures": count, "link": talk.world.link("pictures", f"{subject}:{number}") if count else ""}


def sheet(talk: Talk, subject: str, number: int, *, hidden: bool = False) -> dict[str, Any]:
    """Link to the signed sheet of an act by mandate; ``no_paper``: the act has no sheet, or none any more."""
    found = None if hidden else signed_sheet_of(talk.turn.db, subject, number)
    link = pictures(talk, "mandate", found[0])["link"] if found else ""
    return {"sheet": link, "no_paper": found is not None and not found[1]}


def ways_of(
    task: TaskView,
    decisions: Mapping[str, tuple[str, ...]],
    reference: str,
    instead: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, list[str]]:
    """List the decisions that the reader may make now, as numbered lines of the file."""
    if not task.mine:
        return {}
    names = instead.get(task.step) or {name: name for name in decisions.get(task.step, ())}
    return {name: ["command", command, reference] for name, command in names.items()}
