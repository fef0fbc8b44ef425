"""Define the commands by which charities get in: ``flask --app wsgi charity …``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.work.clock import Clock
from config.settings import Settings
from models.appeals.publication import begin_to_collect
from models.organisations.charity import (
    BadCharity,
    Charity,
    add_charity,
    name_charity,
    place_of,
    set_account,
    set_collecting,
)
from models.organisations.filing import Filing, add_filing
from models.organisations.merchant import add_merchant, merchant_of
from models.staff.fund_holder import fund_holders_of

_DAY = click.DateTime(formats=["%Y-%m-%d"])


def add_charity_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add the group ``charity``."""
    group = AppGroup("charity", help="The charities that collect for appeals, and their filings.")
    app.cli.add_command(group)

    @group.command("add")
    @_described(required=True)
    def add(name: str, credit_code: str, certificate: str, region: str | None) -> None:
        """Add a charity; it collects for appeals of its region, or of the whole country."""
        with _database(settings) as db:
            charity = add_charity(db, name, credit_code, certificate, region, clock())
            taken = begin_to_collect(db, clock())
            click.echo(f"Charity {charity.id} is {charity.name}. {_begun(taken)}")
            click.echo(f"Next: charity merchant {charity.id} … (without it nothing can be paid to it),")
            click.echo(f"charity filing {charity.id} …, and appoint fund_holder … --charity {charity.id}.")

    @group.command("name")
    @click.argument("number", type=int)
    @_described(required=False)
    def name_(
        number: int, name: str | None, credit_code: str | None, certificate: str | None, region: str | None
    ) -> None:
        """Change what a charity is registered under; one that the upgrade made collects from then on."""
        with _database(settings) as db:
            charity = name_charity(db, number, name, credit_code, certificate, region, clock())
            taken = begin_to_collect(db, clock())
            click.echo(f"Charity {number} is {charity.name}, {charity.credit_code}. {_begun(taken)}")

    @group.command("filing")
    @click.argument("number", type=int)
    @click.option("--filing", required=True, help="The number of the filing, as the authority gave it.")
    @click.option("--authority", required=True, help="With whom it was filed.")
    @click.option("--platform", required=True, help="Where it says that is collected.")
    @click.option("--from", "from_day", type=_DAY, required=True, help="Its first day, 2026-01-01.")
    @click.option("--to", "to_day", type=_DAY, required=True, help="Its last day.")
    def filing_(number: int, filing: str, authority: str, platform: str, from_day: datetime, to_day: datetime) -> None:
        """Enter a filing of public fundraising, without which there is no crowdfunding. It is never changed."""
        days = (from_day.date(), to_day.date())
        with _database(settings) as db:
            add_filing(db, number, filing, authority, platform, days, clock())
            taken = begin_to_collect(db, clock())
            click.echo(f"Charity {number} collects under {filing} until {to_day.date()}. {_begun(taken)}")

    @group.command("merchant")
    @click.argument("number", type=int)
    @click.argument("merchant")
    def merchant_(number: int, merchant: str) -> None:
        """Let a charity collect under a merchant number (mchid) of WeChat Pay. The number is its own for good."""
        if merchant not in _with_keys(settings):
            raise click.ClickException(
                f"the settings have no keys for merchant {merchant}: PAY_MCH_ID or PAY_MERCHANTS"
            )
        with _database(settings) as db:
            add_merchant(db, number, merchant, clock())
            click.echo(f"Charity {number} collects under merchant {merchant}.")

    @group.command("account")
    @click.argument("number", type=int)
    @click.argument("account", metavar="gh_…|all")
    def account_(number: int, account: str) -> None:
        """Let a charity collect for the people of one official account alone, or of all."""
        with _database(settings) as db:
            set_account(db, number, None if account == "all" else account, clock())
            click.echo(f"Charity {number} collects for the people of {account}; what it has it keeps.")

    @group.command("suspend")
    @click.argument("number", type=int)
    def suspend(number: int) -> None:
        """Let a charity take no gifts; what it has is paid out and refunded as ever."""
        with _database(settings) as db:
            set_collecting(db, number, False, clock())
            click.echo(f"Charity {number} takes no gifts.")

    @group.command("resume")
    @click.argument("number", type=int)
    def resume(number: int) -> None:
        """Let a suspended charity take gifts again."""
        with _database(settings) as db:
            set_collecting(db, number, True, clock())
            click.echo(f"Charity {number} takes gifts again.")

    @group.command("list")
    def list_() -> None:
        """List the charities with their filings and fund holders."""
        with _database(settings) as db:
            for charity in db.scalars(select(Charity).order_by(Charity.id)).all():
                click.echo("\n".join(_lines(db, charity, clock())))


def _described(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options for what a charity is registered under."""
    elsewhere = "in the whole country" if required else "where it did"
    options = (
        click.option("--name", required=required, help="Its whole name."),
        click.option("--credit-code", required=required, help="Its unified social credit code, 18 characters."),
        click.option("--certificate", required=required, help="Its certificate for public fundraising."),
        click.option("--region", help=f"Where it collects; without it, {elsewhere}."),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@contextmanager
def _database(settings: Settings) -> Iterator[Session]:
    """Open a transaction; what is wrong with the operator's words ends the command in one line."""
    with migrated(settings) as database, Session(database) as db, db.begin():
        try:
            yield db
        except BadCharity as error:
            raise click.ClickException(str(error)) from error


def _with_keys(settings: Settings) -> set[str]:
    """Return the merchant numbers whose keys the settings have; their file is checked here, too, with PAY_MODE=off."""
    try:
        return {each.mch_id for each in settings.merchants if each.mch_id}
    except ValueError as error:
        raise click.ClickException(f"PAY_MERCHANTS: {error}") from error


def _begun(appeals: int) -> str:
    return f"{appeals} published appeals are now its own." if appeals else ""


def _lines(db: Session, charity: Charity, now: datetime) -> list[str]:
    where = "the whole country" if charity.region_code is None else place_of(db, charity.region_code)
    lines = [f"{charity.id}  {charity.state}  {charity.name or '(no name)'}  {charity.credit_code or '-'}  {where}"]
    lines += [f"   for the people of {charity.account} alone"] if charity.account else []
    merchant = merchant_of(db, charity.id)
    lines += [f"   merchant {merchant}" if merchant else "   no merchant number: its appeals cannot be paid"]
    filings = db.scalars(select(Filing).where(Filing.charity_id == charity.id).order_by(Filing.from_day, Filing.id))
    lines += [f"   filing {each.number}, {each.from_day} to {each.to_day}, on {each.platform}" for each in filings]
    seats = fund_holders_of(db, charity.id, now)
    lines += [f"   fund holder {each.work_no}" for each in seats]
    return lines if seats else [*lines, "   nobody to do its work: appoint fund_holder"]
