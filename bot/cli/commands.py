"""Define the command line: ``flask --app wsgi COMMAND``."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.books.check import check_books, read_noted
from bot.books.export import NotTheLedger, export_ledger
from bot.cli.chat import chat
from bot.demo import run as demo
from bot.demo.seed import NotOurs
from bot.goods.resort import sort_goods
from bot.places.load import DIVISIONS, BadRegions, load_regions, read_regions
from bot.processes.supervisor import ServiceError
from bot.registry.command import import_file
from bot.simulator.options import read_people
from bot.wechat.menu import Menu, NotPublished, diff, lint_all, publish, published, render_menus
from bot.wechat.policy import Unreachable, WeChatError
from bot.words.render import Renderer
from bot.work import fleet
from bot.work.command import settle_dead_jobs
from bot.work.errands import make_api
from bot.work.queues import QUEUES, Jobs
from config.embedded import demo_folder
from config.settings import Environment, Settings
from flows.language.lexicon import Lexicon
from handlers.routing.table import COMMANDS
from models.books import Noted
from models.core.database import connect
from models.migrations import current, head, upgrade
from models.people.conversation import Conversation
from models.places.region import Region, level_of
from models.staff.member import SEATS, STAFF_ROLES, AlreadyAppointed, Appointment, Staff, appoint
from models.staff.queue import assign_pool_tasks
from models.tables import metadata
from models.upkeep.key_rotation import rotate


def demand_database(settings: Settings) -> None:
    """Demand that the database answers. Raises ClickException, in one line."""
    database = connect(settings.database_url)
    try:
        database.connect().close()
    except OperationalError as error:
        if settings.has_own_database:
            words = "DATABASE_URL is empty, and the demo with its own database is not running"
            raise click.ClickException(f"{words}: name a database, or start the demo") from error
        said = str(error.orig).splitlines()[0]
        raise click.ClickException(f"the database that DATABASE_URL names does not answer: {said}") from error
    finally:
        database.dispose()


def demand_database_to_serve(settings: Settings) -> None:
    """Demand the demo's own database where a server starts: it is there or never comes. Any other may be away."""
    context = click.get_current_context(silent=True)
    # Other servers (granian) use click for their command line as well.
    serves = context is None or context.info_name == "run" or not isinstance(context.find_root().command, FlaskGroup)
    if settings.has_own_database and serves:
        try:
            demand_database(settings)
        except click.ClickException as error:
            raise SystemExit(f"Error: {error.message}") from None


def add_commands(app: Flask, settings: Settings, lexicon: Lexicon, app_of: Callable[[Settings], Flask]) -> None:
    """Add the commands. ``app_of`` makes an application for other settings than ours: the demo's."""

    def menus() -> dict[str, Menu]:
        words = {name: lexicon.words[name][0] for name in COMMANDS if name in lexicon.words}
        return render_menus(Renderer(lexicon.words).env, words)

    def refuse_in_production() -> None:
        if settings.is_production:
            raise click.ClickException("this fills in invented people, officers among them: never in production")

    @contextmanager
    def brought_along(at: Path) -> Iterator[None]:
        """Run the demo's own database as long as the command takes."""
        with ExitStack() as stack:
            try:
                stack.enter_context(demo.own_database(at))
            except ServiceError as error:
                raise click.ClickException(str(error)) from error
            yield

    @contextmanager
    def migrated() -> Iterator[Engine]:
        demand_database(settings)
        database = connect(settings.database_url)
        try:
            with database.connect() as connection:
                if current(connection) != head():
                    raise click.ClickException("the database is not at today's schema; run upgrade first")
            yield database
        finally:
            database.dispose()

    @app.cli.command("upgrade")
    def upgrade_() -> None:
        """Bring the database to today's schema, and the goods in it to the sorts of config/sorts.toml."""
        demand_database(settings)
        upgrade(settings.database_url)
        with migrated() as database:
            sort_goods(database, lexicon)
        click.echo("The database is up to date.")

    @app.cli.command("demo")
    @click.option("--seed-only", is_flag=True, help="Fill in the data set and return.")
    def demo_(seed_only: bool) -> None:
        """Bot, worker and stand-in for WeChat on an invented world; no account needed."""
        refuse_in_production()
        at = demo_folder()
        if seed_only and settings.bangfu_env is Environment.DEMO and demo.named_database():
            demand_database(settings)
            try:
                demo.fill_named(settings, at)
            except NotOurs as error:
                raise click.ClickException(f"{error}; nothing was filled in") from error
            click.echo("The data set is in the database that DATABASE_URL names.")
            return
        os.environ.update(demo.environment(at))
        ours = Settings()
        if seed_only:
            with brought_along(at):
                demo.fill(ours, at)
            click.echo(f"The data set is in {at}.")
            return
        sys.exit(demo.run(ours, at, menus(), make_api(ours)))

    @app.cli.command("chat")
    def chat_() -> None:
        """The demo's conversation in the terminal, through the bot's real door."""
        refuse_in_production()
        at = demo_folder()
        os.environ.update(demo.environment(at))
        ours = Settings()
        with brought_along(at):
            demo.fill(ours, at)
            chat(app_of(ours), ours, demo.ACCOUNT["id"], read_people(at / "people.json"))

    @app.cli.command("worker")
    @click.option("--queues", default=",".join(QUEUES), show_default=True, help="Only these, separated by commas.")
    @click.option("--processes", type=click.IntRange(1), default=1, help="Of each kind of worker.")
    def worker(queues: str, processes: int) -> None:
        """Work off the queues and keep the clock, until told to stop; any number on any number of hosts."""
        wanted = [queue.strip() for queue in queues.split(",")]
        if unknown := ", ".join(sorted(set(wanted) - set(QUEUES))):
            raise click.BadParameter(f"no queue is called {unknown}", param_hint="--queues")
        sys.exit(fleet.run(wanted, processes))

    @app.cli.command("dead-jobs")
    @click.option("--replay", metavar="ID|all", help="Let it run again, or all of them.")
    @click.option("--drop", metavar="ID|all", help="Let nobody run it again.")
    def dead_jobs(replay: str | None, drop: str | None) -> None:
        """List the jobs that failed as often as they may."""
        with migrated() as database:
            settle_dead_jobs(database, Jobs(settings.redis_url), replay, drop)

    @app.cli.command("simulator", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def simulator(arguments: tuple[str, ...]) -> None:
        """The stand-in for WeChat alone; --help tells its options."""
        os.execv(sys.executable, [sys.executable, "-m", "bot.simulator", *arguments])  # noqa: S606 - our own program

    @app.cli.command("lint-menu")
    def lint_menu() -> None:
        """Check the menus against WeChat's limits."""
        problems = lint_all(menus(), COMMANDS)
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            sys.exit(1)
        click.echo("The menus keep every limit.")

    @app.cli.command("publish-menu")
    @click.option("--dry-run", is_flag=True, help="Only tell what would change.")
    def publish_menu(dry_run: bool) -> None:
        """Publish the menus, touching only what differs."""
        wanted = menus()
        if problems := lint_all(wanted, COMMANDS):
            raise click.ClickException("\n".join(problems))
        api = make_api(settings)
        try:
            changes = diff(published(api), wanted.values()) if dry_run else publish(api, wanted)
        except (WeChatError, Unreachable, NotPublished) as error:
            raise click.ClickException(str(error)) from error
        click.echo("\n".join(changes) or "Nothing to change.")

    @app.cli.command("import-regions")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
    def import_regions(file: Path | None) -> None:
        """Load regions from a CSV file, by default the country down to its townships.

        Columns: code, name, level, and for those that ended valid_from, valid_to, successor.
        """
        try:
            rows = list(read_regions(file or DIVISIONS))
            with migrated() as database, click.progressbar(length=len(rows), label="Loading", file=sys.stderr) as bar:
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
        with migrated() as database:
            all_good = import_file(database, file, bad, dry=dry_run)
        sys.exit(0 if all_good else 1)

    @app.cli.command("appoint")
    @click.argument("role", type=click.Choice(STAFF_ROLES))
    @click.argument("region_code")
    @click.option("--account", required=True, help="The account's original id (gh_…).")
    @click.option("--openid", required=True, help="The person's openid with this account.")
    @click.option("--work-no", required=True, help="What others quote, such as DX1001.")
    @click.option("--name", prompt=True, help="Kept sealed.")
    def appoint_(role: str, region_code: str, account: str, openid: str, work_no: str, name: str) -> None:
        """Make somebody an officer of a region."""
        wanted = Appointment(work_no, account, openid, role, region_code, name)
        with migrated() as database, database.begin() as connection:
            if not connection.scalar(select(Region.code).where(Region.code == region_code)):
                raise click.ClickException(f"there is no region {region_code}; import-regions loads them")
            if level_of(region_code) not in SEATS[role]:
                levels = " or a ".join(SEATS[role])
                raise click.ClickException(f"a {role} officer belongs to a {levels}; this is a {level_of(region_code)}")
            known = (Conversation.account == account) & (Conversation.openid == openid)
            if not connection.scalar(select(Conversation.id).where(known)):
                raise click.ClickException("nobody with this openid has written to this account; let them say hello")
            try:
                appoint(connection, wanted, datetime.now(UTC))
            except AlreadyAppointed as error:
                raise click.ClickException(str(error)) from error
            with Session(connection) as db:
                assign_pool_tasks(
                    db, db.scalars(select(Staff).where(Staff.work_no == work_no)).one(), datetime.now(UTC)
                )
                db.flush()
        click.echo(f"{work_no} is {role} of {region_code}.")

    @app.cli.command("check-books")
    @click.option("--head", "noted", metavar="N:HASH", help="Demand that link N still has this hash.")
    @click.option("--ledger-head", "noted_ledger", metavar="N:HASH", help="The same of the ledger's transaction N.")
    def check_books_(noted: str | None, noted_ledger: str | None) -> None:
        """Prove the audit chain, the ledger and the rules across the database; ends with 1 when something is wrong."""

        def wanted(option: str, text: str | None) -> Noted | None:
            link = read_noted(text) if text is not None else None
            if text is not None and link is None:
                raise click.BadParameter("a link's number, a colon, and its hash of 64 digits", param_hint=option)
            return link

        links = wanted("--head", noted), wanted("--ledger-head", noted_ledger)
        with migrated():
            checked = check_books(settings.database_url, datetime.now(UTC), *links, tell=click.echo)
        click.echo(f"audit chain: {checked.links} links, head {checked.head}")
        click.echo(f"ledger: {checked.transactions} transactions, head {checked.ledger_head}")
        if count := checked.found.total():
            raise click.ClickException(f"{count} violations")
        click.echo("The books are right.")

    @app.cli.command("export-ledger")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
    def export_ledger_(folder: Path | None) -> None:
        """Write the public ledger to a folder (by default EXPORT_DIR), for anybody to recompute; no person is in it."""
        if folder is None and not settings.export_dir:
            raise click.UsageError("name a folder, or set EXPORT_DIR")
        with migrated():
            env = Renderer(lexicon.words).env
            try:
                wrote = export_ledger(
                    settings.database_url, folder or Path(settings.export_dir), env, datetime.now(UTC)
                )
            except NotTheLedger as error:
                raise click.ClickException(f"{error}; check-books tells more. Nothing was published.") from error
        click.echo(f"{wrote.transactions} transactions, {wrote.entries} entries, {wrote.appeals} appeals")
        click.echo(f"head {wrote.transactions}:{wrote.head}")

    @app.cli.command("rotate-keys")
    def rotate_keys() -> None:
        """Seal everything anew under the first of DATA_KEYS; afterwards the others may go."""
        with migrated() as database:
            rotated = rotate(database, metadata)
        click.echo(f"{rotated.sealed_anew} values sealed anew.")
        if rotated.lost:
            raise click.ClickException(f"{rotated.lost} values open with none of DATA_KEYS; the log names their rows")
