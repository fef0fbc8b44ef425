"""Add the command that takes an ID number from whom it does not belong to; two of the county answer for it.

The ID number is asked for and never an option: it would stay in the shell's history.
"""

import click
from flask import Flask
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.work.clock import Clock
from config.settings import Settings
from flows.readers.numbers.id_number import read_id_number
from models.people.user import find_by_id_number
from models.rights.number_release import CannotRelease, release_number
from models.staff.directory import find_member
from models.staff.member import Staff

_WHY = {
    "ticket": "the evidence has to be on a ticket of somebody else than the holder of the number",
    "same": "{work_no} is the same person in another seat: two people have to answer for it",
    "not_serving": "{work_no} is not at work",
    "county": "{work_no} has no seat of the county where the holder lives",
    "conflict": "{work_no} is of the holder's household or declared a tie to it",
}


def add_number_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``release-number``."""

    @app.cli.command("release-number")
    @click.option("--ticket", type=int, required=True, help="The owner's ticket, with the picture of the card.")
    @click.option("--by", "signers", multiple=True, metavar="WORK_NO", help="Who answers for it; twice.")
    def release(ticket: int, signers: tuple[str, ...]) -> None:
        """Free an ID number that somebody else registered with; asks for it."""
        if len(signers) != 2:
            raise click.UsageError("--by twice: two of the county answer for it")
        with migrated(settings) as database:
            id_number = click.prompt("The ID number (it is not shown)", hide_input=True)
            with Session(database) as db, db.begin():
                user = find_by_id_number(db, read_id_number(id_number))
                if user is None:
                    raise click.ClickException("nobody is registered with it; nothing was changed")
                first, second = (_member(db, work_no) for work_no in signers)
                try:
                    released = release_number(db, user, ticket, (first, second), clock())
                except CannotRelease as refused:
                    why = _WHY[refused.why].format(work_no=refused.work_no)
                    raise click.ClickException(f"{why}; nothing was changed") from None
                frozen = ", ".join(map(str, released.frozen)) or "none"
                click.echo(f"The number is free. Frozen, for the county to decide on: {frozen}.")


def _member(db: Session, work_no: str) -> Staff:
    """Raises ClickException."""
    staff = find_member(db, work_no)
    if staff is None:
        raise click.ClickException(f"nobody has the work number {work_no}")
    return staff
