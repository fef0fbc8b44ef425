"""Define the commands about sellers' money: ``flask --app wsgi seller …``."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.database import migrated
from bot.work.clock import Clock
from config.settings import Settings
from models.market.money.seller_accounts import open_differences
from models.market.money.sending import retry, settle_by_hand, stuck
from models.market.money.sub_merchant import (
    BadSubMerchant,
    Owner,
    SubMerchant,
    add_sub_merchant,
    withdraw_sub_merchant,
)
from models.market.orders.steps import reserve_instead


def add_seller_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add the group ``seller``."""
    group = AppGroup("seller", help="Under which numbers of WeChat Pay sellers are paid for orders.")
    app.cli.add_command(group)

    @group.command("merchant")
    @click.argument("seller", type=int)
    @click.argument("number")
    @click.option("--organisation", is_flag=True, help="SELLER is the number of an organisation, not of a user.")
    def merchant(seller: int, number: str, *, organisation: bool) -> None:
        """Let a seller (a user's number) be paid under a sub-merchant number (sub_mchid), its own for good.

        What an organisation sells is paid to the organisation alone, never to who speaks for it.
        """
        if not settings.pay_partner_mch_id:
            raise click.ClickException("PAY_PARTNER_MCH_ID is empty: nobody signs for sellers")
        with _database(settings) as db:
            owner = Owner("organisation" if organisation else "user", seller)
            add_sub_merchant(db, owner, number, clock())
            click.echo(f"{owner} is paid under {number} from now on; orders placed before stay reservations.")

    @group.command("withdraw")
    @click.argument("number")
    def withdraw(number: str) -> None:
        """Let nothing new be paid under a number; what was paid is still released, or goes back."""
        with _database(settings) as db:
            count = reserve_instead(db, withdraw_sub_merchant(db, number, clock()), clock())
            click.echo(f"Nothing new is paid under {number}. {count} unpaid orders are reservations now.")

    @group.command("list")
    def list_() -> None:
        """List the sub-merchant numbers with their sellers."""
        with _database(settings) as db:
            for each in db.scalars(select(SubMerchant).order_by(SubMerchant.added_at, SubMerchant.number)).all():
                until = f"until {each.withdrawn_at:%Y-%m-%d}" if each.withdrawn_at else "now"
                click.echo(f"{each.number}  {each.owner}  {until}")

    @group.command("stuck")
    def stuck_() -> None:
        """List what WeChat Pay would not refund or release, and why."""
        with _database(settings) as db:
            for each in stuck(db):
                what = f"{each.kind} of {each.amount_fen} fen, order {each.order_id}, number {each.number}"
                click.echo(f"{each.id}  {what}: {each.trouble}")

    @group.command("differences")
    def differences() -> None:
        """List where WeChat Pay's bills of sellers' accounts and our orders differ, until the county has closed it."""
        with _database(settings) as db:
            for each in open_differences(db):
                fen = each.theirs_fen if each.theirs_fen is not None else each.ours_fen
                what = f"{each.kind}, {each.subject} of {fen} fen, account {each.merchant}, order {each.out_trade_no}"
                click.echo(f"{each.id}  {each.day}  {what}, number {each.number}")

    @group.command("retry")
    @click.argument("transfer", type=int)
    def retry_(transfer: int) -> None:
        """Have something stuck asked for again; what WeChat Pay closed, under a new number."""
        with _database(settings) as db:
            if not retry(db, transfer, clock()):
                raise click.ClickException(f"{transfer} is not stuck: see `seller stuck`")
            click.echo(f"{transfer} is asked for again.")

    @group.command("settled")
    @click.argument("transfer", type=int)
    def settled(transfer: int) -> None:
        """Note that something stuck was done on WeChat Pay's page; the buyer or seller is told so."""
        with _database(settings) as db:
            if not settle_by_hand(db, transfer, clock()):
                raise click.ClickException(f"{transfer} is not stuck: see `seller stuck`")
            click.echo(f"{transfer} is done.")


@contextmanager
def _database(settings: Settings) -> Iterator[Session]:
    """Open a transaction; what is wrong with the operator's words ends the command in one line."""
    with migrated(settings) as database, Session(database) as db, db.begin():
        try:
            yield db
        except BadSubMerchant as error:
            raise click.ClickException(str(error)) from error
