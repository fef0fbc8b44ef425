"""Add the commands that appoint the first staff of a place, who invite the others in the chat, and that identify them.

The ID number is asked for and never an option: it would stay in the shell's history.
"""

from datetime import datetime

import click
from flask import Flask
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.work.clock import Clock
from config.settings import Settings
from flows.readers.numbers.id_number import fault_of, is_under_age, read_id_number
from models.core.calendar import CHINA
from models.organisations.charity import Charity
from models.people.conversation import Conversation
from models.people.shared_phone import parked_on
from models.places.region import Region, level_of
from models.staff.directory import find_member
from models.staff.identity import identify, unidentified_seats
from models.staff.member import HOLDING, SEATS, STAFF_ROLES, AlreadyAppointed, Appointment, Staff, appoint
from models.staff.queue import assign_pool_tasks

_FAULTS = {
    "id_length": "an ID number has eighteen characters",
    "id_date": "the ID number has no such birthday",
    "id_checksum": "the ID number's last character does not fit the others: one of them is wrong",
    "under_age": "whoever has this ID number is a child",
}


def add_staff_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``appoint`` and ``identify``."""
    _add_appoint(app, settings, clock)
    _add_identify(app, settings, clock)


def _add_appoint(app: Flask, settings: Settings, clock: Clock) -> None:

    @app.cli.command("appoint")
    @click.argument("role", type=click.Choice(STAFF_ROLES))
    @click.argument("region_code")
    @click.option("--account", required=True, help="The account's original id (gh_…).")
    @click.option("--openid", required=True, help="The person's openid with this account.")
    @click.option("--work-no", required=True, help="What others quote, such as DX1001.")
    @click.option("--name", prompt=True, help="Kept sealed.")
    @click.option("--charity", "charity_id", type=int, help="Of a fund_holder: the charity's number (charity list).")
    def appoint_(
        role: str, region_code: str, account: str, openid: str, work_no: str, name: str, charity_id: int | None
    ) -> None:
        """Appoint an officer of a region, or a fund holder of a charity; asks for their ID number."""
        if (role == "fund_holder") != (charity_id is not None):
            raise click.UsageError("a fund_holder, and nobody else, belongs to a --charity; `charity list` shows them")
        with migrated(settings) as database:
            with database.begin() as connection:
                _check(connection, role, region_code, charity_id)
                _check_person(connection, account, openid)
            id_number = _ask_id_number(clock())
            wanted = Appointment(work_no, account, openid, role, region_code, name, id_number, charity_id)
            with database.begin() as connection:
                try:
                    appoint(connection, wanted, clock())
                except AlreadyAppointed as error:
                    raise click.ClickException(str(error)) from error
                with Session(connection) as db:
                    seat = db.scalars(select(Staff).where(Staff.work_no == work_no)).one()
                    assign_pool_tasks(db, seat, clock())
                    db.flush()
        click.echo(f"{work_no} is {role} of {region_code}.")


def _add_identify(app: Flask, settings: Settings, clock: Clock) -> None:
    @app.cli.command("identify")
    @click.argument("work_no", required=False)
    def identify_(work_no: str | None) -> None:
        """Enter the ID number of an officer who was appointed without one; without WORK_NO, list them all."""
        with migrated(settings) as database:
            with Session(database) as db:
                if work_no is None:
                    _list(db)
                    return
                _find_unidentified(db, work_no)
            id_number = _ask_id_number(clock())
            with Session(database) as db, db.begin():
                staff = _find_unidentified(db, work_no)
                try:
                    left = identify(db, staff, id_number, clock())
                except AlreadyAppointed as error:
                    raise click.ClickException(f"this person holds a seat already: {error}") from error
                click.echo(f"{staff.work_no} has an ID number now. {left} tasks of their own household went to others.")


def _list(db: Session) -> None:
    seats = unidentified_seats(db)
    for seat in seats:
        click.echo(f"{seat.work_no} {seat.role} {seat.region_code}")
    click.echo(f"{len(seats)} seats without an ID number{', which decide nothing: identify WORK_NO' if seats else ''}.")


def _find_unidentified(db: Session, work_no: str) -> Staff:
    """Return the seat of this work number, locked. Raises ClickException where it needs no ID number."""
    staff = find_member(db, work_no, lock=True)
    if staff is None:
        raise click.ClickException(f"nobody has the work number {work_no}")
    if staff.state not in HOLDING:
        raise click.ClickException(f"{staff.work_no} is {staff.state}: nobody holds this seat")
    if staff.id_hash is not None:
        raise click.ClickException(f"{staff.work_no} has an ID number; revoke the seat where another person holds it")
    return staff


def _ask_id_number(now: datetime) -> str:
    """Ask for the ID number without showing it, and check it as the chat does. Raises ClickException."""
    number = read_id_number(click.prompt("Their ID number (it is not shown)", hide_input=True))
    today = now.astimezone(CHINA).date()
    fault = fault_of(number, today) or ("under_age" if is_under_age(number, today) else None)
    if fault:
        raise click.ClickException(f"{_FAULTS[fault]}; nothing was changed")
    return number


def _check(connection: Connection, role: str, region_code: str, charity_id: int | None) -> None:
    """Check that region and charity are there. Raises ClickException."""
    if not connection.scalar(select(Region.code).where(Region.code == region_code)):
        raise click.ClickException(f"there is no region {region_code}; import-regions loads them")
    level = level_of(region_code)
    if level not in SEATS[role]:
        levels = " or a ".join(SEATS[role])
        raise click.ClickException(f"a {role} officer belongs to a {levels}; this is a {level}")
    known_charity = connection.scalar(select(Charity.id).where(Charity.id == charity_id))
    if charity_id is not None and known_charity is None:
        raise click.ClickException(f"there is no charity {charity_id}; `charity list` shows them")


def _check_person(connection: Connection, account: str, openid: str) -> None:
    """Check that this WeChat has written to the account. Raises ClickException."""
    known = (Conversation.account == account) & (Conversation.openid == openid)
    if not connection.scalar(select(Conversation.id).where(known)):
        raise click.ClickException("nobody with this openid has written to this account; let them say hello")
    if connection.scalar(select(Conversation.id).where(parked_on(account, openid)).limit(1)):
        raise click.ClickException("several people share this WeChat, and each of them would hold the seat")
