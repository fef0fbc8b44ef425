"""Add the commands that erase a person whom two of the staff answer for, and that make a restored backup forget again.

The ID number is asked for and never an option: it would stay in the shell's history.
"""

from pathlib import Path

import click
from flask import Flask
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.cli.signers import find_signers, signed, telling_who_cannot
from bot.work.clock import Clock
from config.settings import Settings
from flows.readers.numbers.id_number import read_id_number
from models.people.user import User, find_by_id_number
from models.rights.erasure.by_staff import erase_by_two, open_remainders
from models.rights.erasure.erasure import REASONS
from models.rights.erasure.replay import NoSuchLine, list_erased, replay
from models.rights.erasure.request import CannotErase
from models.rights.erasure.restored import end_waiting

# What the audit trail keeps of a reason.
_LONGEST = 80
_FIRST = {
    "appeal": "appeal {name} is {state}: the county has to end it first",
    "refund": "gift {name} is being refunded: wait until it is",
    "suspense": "a payment of gift {name} is in question: the fund holder has to settle it",
    "stock": "no. {name} is promised to somebody: it has to be handed over or cancelled",
    "seat": "they hold the seat {name}: revoke it first",
}


def add_erasure_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``erase`` and ``erasures``."""

    @app.cli.command("erase")
    @click.option("--reason", type=click.Choice(REASONS), required=True)
    @signed
    @click.option("--user", "number", type=int, help="Of who has no ID number on record: the number of their account.")
    def erase(reason: str, signers: tuple[str, ...], number: int | None) -> None:
        """Erase a person; asks for their ID number. The worker does it, once nothing of theirs is open."""
        with migrated(settings) as database:
            id_number = None if number else click.prompt("Their ID number (it is not shown)", hide_input=True)
            with Session(database) as db, db.begin():
                user = db.get(User, number) if number else find_by_id_number(db, read_id_number(id_number or ""))
                if user is None or user.state == "erased":
                    raise click.ClickException("nobody is registered so; nothing was changed")
                try:
                    with telling_who_cannot():
                        erasure = erase_by_two(db, user, reason, find_signers(db, signers), clock())
                except CannotErase as refused:
                    first_things = "; ".join(_FIRST[hold["kind"]].format(**hold) for hold in refused.values["holds"])
                    raise click.ClickException(f"{first_things}; nothing was changed") from None
                click.echo(f"Erasure {erasure.id} has begun: who they are is gone, a worker deletes the rest.")

    @app.cli.group("erasures")
    def erasures() -> None:
        """Keep the list of the erased outside the database, for restored backups; open what a law keeps of them."""

    @erasures.command("open")
    @click.argument("number", type=int, metavar="USER")
    @click.option("--reason", required=True, help="A word or a file number, for the trail.")
    @signed
    def open_(number: int, reason: str, signers: tuple[str, ...]) -> None:
        """Show what a law keeps of an erased person, by the number of the account that the gifts name."""
        with migrated(settings) as database, Session(database) as db, db.begin():
            if db.get(User, number) is None:
                raise click.ClickException(f"there is no account {number}")
            with telling_who_cannot():
                found = open_remainders(db, number, reason[:_LONGEST], find_signers(db, signers), clock())
            for contents in found:
                click.echo(contents)
        click.echo(f"{len(found)} kept.", err=True)

    @erasures.command("export")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def export(file: Path) -> None:
        """Add the erasures that FILE lacks: numbers of rows and times, and no names."""
        known = set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()
        with migrated(settings) as database, Session(database) as db:
            new = [line for line in list_erased(db) if line not in known]
        with file.open("a", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in new)
        click.echo(f"{len(new)} added, {len(known) + len(new)} in all.")

    @erasures.command("replay")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    def replay_(file: Path) -> None:
        """Erase again whom a restored backup has brought back, and end what waits. Run it before the bot starts."""
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line]
        with migrated(settings) as database, Session(database) as db:
            try:
                with db.begin():
                    count = replay(db, lines, clock())
                    ended = end_waiting(db, clock())
            except NoSuchLine as odd:
                raise click.ClickException(f"{odd}: no line of such a list; nothing was changed") from None
        click.echo(f"{count} of {len(lines)} were back; a worker deletes what is left of them.")
        click.echo(f"{ended.requests} requests and {ended.papers} erasures on paper that waited were ended.")
        click.echo(f"{ended.payouts} payouts may have been made since: their fund holders are asked.")
