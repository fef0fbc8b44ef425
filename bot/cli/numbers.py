"""Add the command that takes an ID number from whom it does not belong to; two of the county answer for it.

The ID number is asked for and never an option: it would stay in the shell's history.
"""

import click
from flask import Flask
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.cli.signers import find_signers, signed, telling_who_cannot
from bot.work.clock import Clock
from config.settings import Settings
from flows.readers.numbers.id_number import read_id_number
from models.people.user import find_by_id_number
from models.rights.number_release import NoEvidence, check_ticket, release_number

_NO_EVIDENCE = "the evidence has to be on a ticket of somebody else than the holder of the number; nothing was changed"


def add_number_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``release-number``."""

    @app.cli.command("release-number")
    @click.option("--ticket", type=int, required=True, help="The owner's ticket, with the picture of the card.")
    @signed
    def release(ticket: int, signers: tuple[str, ...]) -> None:
        """Release an ID number from whom it does not belong to. The command asks for the number."""
        with migrated(settings) as database:
            id_number = click.prompt("The ID number (it is not shown)", hide_input=True)
            with Session(database) as db, db.begin():
                user = find_by_id_number(db, read_id_number(id_number))
                if user is None:
                    raise click.ClickException("nobody is registered with it; nothing was changed")
                try:
                    check_ticket(db, user, ticket)
                    with telling_who_cannot():
                        by, home = find_signers(db, signers), user.region_code or ""
                        released = release_number(db, user, f"ticket:{ticket}", by, home, clock())
                except NoEvidence:
                    raise click.ClickException(_NO_EVIDENCE) from None
                frozen = ", ".join(map(str, released.frozen)) or "none"
                click.echo(f"The number is free. Frozen, for the county to decide on: {frozen}.")
