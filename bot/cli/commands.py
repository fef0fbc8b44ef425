"""Define the command line: ``flask --app wsgi COMMAND``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.books import add_book_commands
from bot.cli.charities import add_charity_commands
from bot.cli.database import demand_database, migrated
from bot.cli.dead_jobs import settle_dead_jobs
from bot.cli.demo import add_demo_commands
from bot.cli.import_registry import import_file
from bot.cli.menu import add_menu_commands
from bot.goods.sort_goods import sort_goods
from bot.places.load import DIVISIONS, BadRegions, load_regions, read_regions
from bot.work import start_workers
from bot.work.clock import Clock
from bot.work.queues import QUEUES, JobQueues
from config.settings import Settings
from flows.language.lexicon import Lexicon
from models.migrations import upgrade
from models.organisations.charity import Charity
from models.people.conversation import Conversation
from models.places.region import Region, level_of
from models.staff.member import SEATS, STAFF_ROLES, AlreadyAppointed, Appointment, Staff, appoint
from models.staff.queue import assign_pool_tasks
from models.tables import metadata
from models.upkeep.key_rotation import rotate


def add_commands(
    app: Flask, settings: Settings, lexicon: Lexicon, app_of: Callable[[Settings], Flask], clock: Clock
) -> None:
    """Add the commands. ``app_of`` makes an application for other settings than ours: the demo's."""
    add_demo_commands(app, settings, lexicon, app_of)
    add_menu_commands(app, settings, lexicon)
    add_book_commands(app, settings, lexicon, clock)
    add_charity_commands(app, settings, clock)

    @app.cli.command("upgrade")
    def upgrade_() -> None:
        """Bring the database to today's schema, and the goods in it to the sorts of config/sorts.toml."""
        demand_database(settings)
        upgrade(settings.database_url)
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

    @app.cli.command("import-regions")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
    def import_regions(file: Path | None) -> None:
        """Load regions from a CSV file, by default the country down to its townships.

        Columns: code, name, level, and for those that ended valid_from, valid_to, successor.
        """
        try:
            rows = list(read_regions(file or DIVISIONS))
            bar = click.progressbar(length=len(rows), label="Loading", file=sys.stderr)
            with migrated(settings) as database, bar:
                loaded = load_regions(database, rows, progress=bar.update)
        except BadRegions as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{loaded.count} regions loaded.")
        if loaded.ended:
            click.echo(f"{loaded.ended} have ended.")
        if loaded.moved.rows:
            counts = ", ".join(f"{table.replace('_', ' ')} {count}" for table, count in loaded.moved.rows.items())
            click.echo(f"Moved to what their regions went into: {counts}.")
        if loaded.moved.left:
            seats = ", ".join(loaded.moved.left)
            click.echo(f"These seats are of a level that their region went beyond; appoint their holders anew: {seats}")

    @app.cli.command("import-registry")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option(
        "--bad", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write all bad rows here."
    )
    @click.option("--dry-run", is_flag=True, help="Only tell which rows are bad.")
    def import_registry(file: Path, bad: Path | None, dry_run: bool) -> None:
        """Load the registry from CSV: id_number,name,region_code,status,source,as_of. Ends with 1 if rows were bad."""
        with migrated(settings) as database:
            all_good = import_file(database, file, bad, dry=dry_run)
        sys.exit(0 if all_good else 1)

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
            if not connection.scalar(select(Region.code).where(Region.code == region_code)):
                raise click.ClickException(f"there is no region {region_code}; import-regions loads them")
            if level_of(region_code) not in SEATS[role]:
                levels = " or a ".join(SEATS[role])
                raise click.ClickException(f"a {role} officer belongs to a {levels}; this is a {level_of(region_code)}")
            known_charity = connection.scalar(select(Charity.id).where(Charity.id == charity_id))
            if charity_id is not None and known_charity is None:
                raise click.ClickException(f"there is no charity {charity_id}; `charity list` shows them")
            known = (Conversation.account == account) & (Conversation.openid == openid)
            if not connection.scalar(select(Conversation.id).where(known)):
                raise click.ClickException("nobody with this openid has written to this account; let them say hello")
            try:
                appoint(connection, wanted, clock())
            except AlreadyAppointed as error:
                raise click.ClickException(str(error)) from error
            with Session(connection) as db:
                seat = db.scalars(select(Staff).where(Staff.work_no == work_no)).one()
                assign_pool_tasks(db, seat, clock())
                db.flush()
        click.echo(f"{work_no} is {role} of {region_code}.")

    @app.cli.command("rotate-keys")
    def rotate_keys() -> None:
        """Seal everything anew under the first of DATA_KEYS; afterwards the others may go."""
        with migrated(settings) as database:
            rotated = rotate(database, metadata)
        click.echo(f"{rotated.sealed_anew} values sealed anew.")
        if rotated.lost:
            raise click.ClickException(f"{rotated.lost} values open with none of DATA_KEYS; the log names their rows")
