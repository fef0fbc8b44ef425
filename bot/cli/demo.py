"""Add the commands of the demo: all of it, or its conversation in the terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from flask import Flask

from bot.cli.chat import chat
from bot.cli.database import demand_database
from bot.demo import run as demo
from bot.demo.clock import TimeDoesNotGoBack
from bot.demo.dump import PREPARED
from bot.demo.seed import NotOurs
from bot.demo.year.grow import BooksAreWrong
from bot.demo.year.house import MakeApp
from bot.demo.year.phone import WentAstray
from bot.menus.render import menus_of
from bot.processes.supervisor import ServiceError
from bot.simulator.options import read_people
from bot.work.context import make_api
from config.embedded import demo_folder
from config.settings import Environment, Settings
from flows.language.lexicon import Lexicon

# Seconds.
DAY = 86_400.0
# The demo's world is made for some years; a clock thousands of years away could never be read again.
MOST_DAYS = 3_650.0


@contextmanager
def brought_along(at: Path) -> Iterator[None]:
    """Run the demo's own database as long as the command takes."""
    with ExitStack() as stack:
        try:
            stack.enter_context(demo.own_database(at))
        except ServiceError as error:
            raise click.ClickException(str(error)) from error
        yield


def _demand_years(_context: click.Context, _option: click.Parameter, days: float | None) -> float | None:
    """Refuse days that are too many, or not a number, which is neither below nor above any."""
    if days is not None and not -MOST_DAYS <= days <= MOST_DAYS:
        raise click.BadParameter(f"at most {MOST_DAYS:.0f} days, ahead or behind")
    return days


def _regrow(make_app: MakeApp, at: Path) -> None:
    """Play the year anew. What is there stays until the new one is whole and its books are right."""
    if not os.access(PREPARED.parent, os.W_OK):
        raise click.ClickException(f"{PREPARED} cannot be written here")
    try:
        checked = demo.regrow(make_app, at)
    except (WentAstray, BooksAreWrong, ServiceError) as error:
        raise click.ClickException(f"{error}\n{PREPARED} stays as it was") from error
    click.echo(f"audit chain: {checked.links} links; ledger: {checked.transactions} transactions. The books are right.")
    click.echo(f"The year is in {PREPARED}. A new DEMO_DIR begins with it.")


def add_demo_commands(app: Flask, settings: Settings, lexicon: Lexicon, app_of: MakeApp) -> None:
    """Add ``demo`` and ``chat``. ``app_of`` makes an application for other settings than ours: the demo's."""

    def refuse_in_production() -> None:
        if settings.is_production:
            raise click.ClickException("this fills in invented people, officers among them: never in production")

    @app.cli.command("demo")
    @click.option("--seed-only", is_flag=True, help="Fill in the data set and return.")
    @click.option("--regrow", is_flag=True, help="Play the data set's year anew, which takes some twenty minutes.")
    @click.option(
        "--days-ahead",
        type=float,
        callback=_demand_years,
        help="Begin so many days ahead of today (-3: behind), without the year; else where the clock stands.",
    )
    def demo_(seed_only: bool, regrow: bool, days_ahead: float | None) -> None:
        """Bot, worker and simulator of WeChat on an invented world; no account needed."""
        refuse_in_production()
        at = demo_folder()
        if regrow:
            _regrow(app_of, at)
            return
        if seed_only and settings.bangfu_env is Environment.DEMO and demo.named_database():
            if days_ahead is not None:
                raise click.UsageError("--days-ahead shifts the clock of the demo's own database, and of no other")
            demand_database(settings)
            try:
                demo.fill_named(settings, at)
            except NotOurs as error:
                raise click.ClickException(f"{error}; nothing was filled in") from error
            click.echo("The data set is in the database that DATABASE_URL names.")
            return
        os.environ.update(demo.environment(at))
        ours = Settings()
        ahead = None if days_ahead is None else days_ahead * DAY
        try:
            if seed_only:
                with brought_along(at):
                    demo.fill(ours, at, ahead)
                click.echo(f"The data set is in {at}.")
                return
            sys.exit(demo.run(ours, at, menus_of(lexicon), make_api(ours), ahead))
        except TimeDoesNotGoBack:
            raise click.ClickException(
                f"in {at} it is later already, and time does not go back; another DEMO_DIR begins anew"
            ) from None

    @app.cli.command("chat")
    def chat_() -> None:
        """The demo's conversation in the terminal, through the bot's real door."""
        refuse_in_production()
        at = demo_folder()
        os.environ.update(demo.environment(at))
        ours = Settings()
        with brought_along(at):
            demo.fill(ours, at)
            chat(app_of(ours, None), ours, demo.ACCOUNT["id"], read_people(at / "people.json"))
