"""Define the command line: ``flask --app wsgi COMMAND``."""

import os
import sys

import click
from flask import Flask
from sqlalchemy.orm import Session

from bot.cli.backups import add_backup_commands
from bot.cli.books import add_book_commands
from bot.cli.charities import add_charity_commands
from bot.cli.database import demand_database, migrated
from bot.cli.dead_jobs import settle_dead_jobs
from bot.cli.demo import add_demo_commands
from bot.cli.doctor import add_doctor_command
from bot.cli.erasures import add_erasure_commands
from bot.cli.imports import add_import_commands
from bot.cli.media import add_media_commands
from bot.cli.menu import add_menu_commands
from bot.cli.numbers import add_number_commands
from bot.cli.sellers import add_seller_commands
from bot.cli.staff import add_staff_commands
from bot.demo.year.house import MakeApp
from bot.goods.sort_goods import sort_goods
from bot.photos.files import PhotoFiles
from bot.photos.sealing import seal_files
from bot.storage.choice import name_media, open_media
from bot.storage.interface import StorageTrouble
from bot.work import start_workers
from bot.work.clock import Clock
from bot.work.queues import QUEUES, JobQueues
from config.settings import Settings
from flows.language.lexicon import Lexicon
from models.migrations import Held, upgrade
from models.tables import metadata
from models.upkeep.key_rotation import note_rotation, rotate


def add_commands(app: Flask, settings: Settings, lexicon: Lexicon, app_of: MakeApp, clock: Clock) -> None:
    """Add the commands. ``app_of`` makes an application for other settings than ours: the demo's."""
    add_demo_commands(app, settings, lexicon, app_of)
    add_menu_commands(app, settings, lexicon)
    add_book_commands(app, settings, lexicon, clock)
    add_charity_commands(app, settings, clock)
    add_seller_commands(app, settings, clock)
    add_import_commands(app, settings)
    add_staff_commands(app, settings, clock)
    add_erasure_commands(app, settings, clock)
    add_number_commands(app, settings, clock)
    add_media_commands(app, settings)
    add_backup_commands(app, settings, clock)
    add_doctor_command(app, settings, clock)

    @app.cli.command("upgrade")
    def upgrade_() -> None:
        """Bring the database to today's schema, and the goods in it to the sorts of config/sorts.toml."""
        demand_database(settings)
        try:
            upgrade(settings.database_url)
        except Held:
            raise click.ClickException(
                "for two minutes a program has held a table that a migration needs: a backup, check-books or "
                "export-ledger? Nothing is lost and the programs go on; run it again when that has ended"
            ) from None
        with migrated(settings) as database:
            sort_goods(database, lexicon)
        click.echo("The database is up to date.")

    @app.cli.command("worker")
    @click.option("--queues", default=",".join(QUEUES), show_default=True, help="Only these, separated by commas.")
    @click.option("--processes", type=click.IntRange(1), default=1, help="Of each kind of worker.")
    def worker(queues: str, processes: int) -> None:
        """Work off the queues and run the schedule, until told to stop; any number on any number of hosts."""
        wanted = [queue.strip() for queue in queues.split(",")]
        if unknown := ", ".join(sorted(set(wanted) - set(QUEUES))):
            raise click.BadParameter(f"no queue is called {unknown}", param_hint="--queues")
        sys.exit(start_workers.run_workers(wanted, processes))

    @app.cli.command("dead-jobs")
    @click.option("--replay", metavar="ID|all", help="Let it run again, or all of them.")
    @click.option("--drop", metavar="ID|all", help="Let nobody run it again.")
    def dead_jobs(replay: str | None, drop: str | None) -> None:
        """List the jobs that failed as often as they may."""
        with migrated(settings) as database:
            settle_dead_jobs(database, JobQueues(settings.redis_url), replay, drop, clock())

    @app.cli.command("simulator", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def simulator(arguments: tuple[str, ...]) -> None:
        """The simulator of WeChat alone; --help tells its options."""
        os.execv(sys.executable, [sys.executable, "-m", "bot.simulator", *arguments])  # noqa: S606 - our own program

    @app.cli.command("rotate-keys")
    def rotate_keys() -> None:
        """Seal everything, photos too, anew under the first of DATA_KEYS; afterwards the others may go."""
        with migrated(settings) as database:
            rotated = rotate(database, metadata)
            click.echo(f"{rotated.sealed_anew} values sealed anew.")
            try:
                photos = seal_files(database, PhotoFiles(open_media(settings)), only_open=False)
            except StorageTrouble as error:
                raise click.ClickException(
                    f"the photos in {name_media(settings)} cannot be sealed anew: {error}"
                ) from None
        click.echo(f"{photos.sealed} photos sealed anew.")
        if rotated.lost or photos.lost:
            lost = f"{rotated.lost} values and {photos.lost} photos"
            raise click.ClickException(f"{lost} open with none of DATA_KEYS; the log names them")
        with migrated(settings) as database, Session(database) as db, db.begin():
            note_rotation(db, clock())
