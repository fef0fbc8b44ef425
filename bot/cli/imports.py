"""Add the commands that load regions, and the registry of households in need, from CSV files."""

import sys
from pathlib import Path

import click
from flask import Flask

from bot.cli.database import migrated
from bot.cli.import_registry import import_file
from bot.places.load import DIVISIONS, BadRegions, load_regions, read_regions
from config.settings import Settings


def add_import_commands(app: Flask, settings: Settings) -> None:
    """Add ``import-regions`` and ``import-registry``."""

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
