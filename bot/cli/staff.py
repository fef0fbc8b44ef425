"""Add the command that appoints the first staff of a place; they invite the others in the chat."""

import click
from flask import Flask
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.work.clock import Clock
from config.settings import Settings
from models.organisations.charity import Charity
from models.people.conversation import Conversation
from models.places.region import Region, level_of
from models.staff.member import SEATS, STAFF_ROLES, AlreadyAppointed, Appointment, Staff, appoint
from models.staff.queue import assign_pool_tasks


def add_staff_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``appoint``."""

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
        """Appoint an officer of a region, or a fund holder of a charity."""
        if (role == "fund_holder") != (charity_id is not None):
            raise click.UsageError("a fund_holder, and nobody else, belongs to a --charity; `charity list` shows them")
        wanted = Appointment(work_no, account, openid, role, region_code, name, charity_id)
        with migrated(settings) as database, database.begin() as connection:
            _check(connection, wanted)
            try:
                appoint(connection, wanted, clock())
            except AlreadyAppointed as error:
                raise click.ClickException(str(error)) from error
            with Session(connection) as db:
                seat = db.scalars(select(Staff).where(Staff.work_no == work_no)).one()
                assign_pool_tasks(db, seat, clock())
                db.flush()
        click.echo(f"{work_no} is {role} of {region_code}.")


def _check(connection: Connection, wanted: Appointment) -> None:
    """Check that region, charity and person are there. Raises ClickException."""
    if not connection.scalar(select(Region.code).where(Region.code == wanted.region_code)):
        raise click.ClickException(f"there is no region {wanted.region_code}; import-regions loads them")
    level = level_of(wanted.region_code)
    if level not in SEATS[wanted.role]:
        levels = " or a ".join(SEATS[wanted.role])
        raise click.ClickException(f"a {wanted.role} officer belongs to a {levels}; this is a {level}")
    known_charity = connection.scalar(select(Charity.id).where(Charity.id == wanted.charity_id))
    if wanted.charity_id is not None and known_charity is None:
        raise click.ClickException(f"there is no charity {wanted.charity_id}; `charity list` shows them")
    known = (Conversation.account == wanted.account) & (Conversation.openid == wanted.openid)
    if not connection.scalar(select(Conversation.id).where(known)):
        raise click.ClickException("nobody with this openid has written to this account; let them say hello")
