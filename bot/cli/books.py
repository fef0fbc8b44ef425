"""Add the commands of the books: check them, export the public ledger."""

from pathlib import Path

import click
from flask import Flask

from bot.books.check import check_books, read_noted
from bot.books.export import NotTheLedger, export_ledger
from bot.books.publish import publish_ledger
from bot.cli.database import migrated
from bot.figures.folding import fold_all, recount_all_regions
from bot.storage.interface import StorageTrouble
from bot.words.render import Renderer
from bot.work.clock import Clock
from config.settings import Settings
from flows.language.lexicon import Lexicon
from models.books import Noted
from models.figures.recount import repair


def add_book_commands(app: Flask, settings: Settings, lexicon: Lexicon, clock: Clock) -> None:
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
        with migrated(settings):
            checked = check_books(settings.database_url, clock(), *links, tell=click.echo)
        click.echo(f"audit chain: {checked.links} links, head {checked.head}")
        click.echo(f"ledger: {checked.transactions} transactions, head {checked.ledger_head}")
        for chain, count in checked.unsealed.items():
            if count:
                click.echo(f"{chain}: {count} more wait for their links; a running worker seals them within seconds")
        if count := checked.found.total():
            raise click.ClickException(f"{count} violations")
        click.echo("The books are right.")

    @app.cli.command("recount-figures")
    def recount_figures() -> None:
        """Recount the public figures and the regions from the rows, and repair what is missing or wrong."""
        with migrated(settings) as database:
            with database.begin() as connection:
                missing, wrong = repair(connection)
            folded = fold_all(database)
            of_regions = recount_all_regions(database)
        click.echo(f"deltas that were missing: {missing}; sums that were wrong: {wrong}; deltas folded: {folded}")
        click.echo(f"counts of regions that were wrong: {of_regions}")

    @app.cli.command("export-ledger")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
    def export_ledger_(folder: Path | None) -> None:
        """Write the public ledger to a folder, by default to where /ledger hands it out; no person is in it."""
        with migrated(settings):
            env, now = Renderer(lexicon.words).env, clock()
            try:
                wrote = export_ledger(settings.database_url, folder, env, now) if folder else None
                wrote = wrote or publish_ledger(settings, env, now)
            except NotTheLedger as error:
                raise click.ClickException(f"{error}; check-books tells more. Nothing was published.") from error
            except StorageTrouble as error:
                raise click.ClickException(f"the bucket of S3_URL cannot be written: {error}") from None
        if wrote is None:
            raise click.UsageError("name a folder, or set EXPORT_DIR or S3_URL")
        click.echo(f"{wrote.transactions} transactions, {wrote.entries} entries, {wrote.appeals} appeals")
        click.echo(f"head {wrote.transactions}:{wrote.head}")
