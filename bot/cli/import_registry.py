"""Implement ``import-registry``: show progress, counts and the bad rows' reasons, without their content."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.registry.csv_file import BadCsvFile, CsvFile
from bot.registry.load import Counts, Load
from bot.registry.rows import COLUMNS, REASONS

_MOST_LISTED = 1_000


def import_file(database: Engine, file: Path, bad: Path | None, *, dry: bool) -> bool:
    """Import the file; True if all rows were good. Raises ClickException for an unusable file or database."""
    if bad and bad.exists() and bad.samefile(file):
        raise click.ClickException("--bad names the file itself")
    listed: list[tuple[int, str]] = []
    try:
        with ExitStack() as stack:
            sheet = stack.enter_context(CsvFile(file, COLUMNS))
            note = stack.enter_context(_noting(listed, bad))
            after = stack.enter_context(_progress(sheet))
            load = Load(database, datetime.now(UTC), on_bad=note, after=after, dry=dry)
            counts = load.run(sheet.rows())
    except BadCsvFile as error:
        raise click.ClickException(str(error)) from None
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        # The error's message may quote a row, so only its type is shown. Earlier batches are kept.
        kind = type(error).__name__
        raise click.ClickException(
            f"stopped in the middle ({kind}); what was read before is kept: run it again"
        ) from None
    _report(counts, listed, sheet.encoding, dry)
    return not counts.bad


@contextmanager
def _noting(listed: list[tuple[int, str]], bad: Path | None) -> Iterator[Callable[[int, str], None]]:
    with ExitStack() as stack:
        written = csv.writer(stack.enter_context(bad.open("w", encoding="utf-8", newline=""))) if bad else None
        if written:
            written.writerow(("row", "reason"))

        def note(number: int, reason: str) -> None:
            if len(listed) < _MOST_LISTED:
                listed.append((number, reason))
            if written:
                written.writerow((number, reason))

        yield note


@contextmanager
def _progress(sheet: CsvFile) -> Iterator[Callable[[], None]]:
    """Show a progress bar of the bytes read, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=sheet.size, label="Importing", file=sys.stderr) as bar:
        yield lambda: bar.update(sheet.position - bar.pos)


def _report(counts: Counts, listed: list[tuple[int, str]], encoding: str, dry: bool) -> None:
    bad = counts.bad.total()
    for number, reason in listed:
        click.echo(f"row {number}: {reason}: {REASONS[reason]}")
    if bad > len(listed):
        click.echo(f"and {bad - len(listed):,} more; --bad FILE writes all of them")
    for reason, count in counts.bad.most_common():
        click.echo(f"{count:>9,} {reason}")
    name = "UTF-8" if encoding.startswith("utf") else "GB18030"
    total = f"{counts.good + bad:,} rows read as {name}: {counts.good:,} good, {bad:,} bad"
    done = f"{counts.added:,} added, {counts.updated:,} updated, {counts.unchanged:,} unchanged"
    click.echo(f"{total}. {'Nothing was written.' if dry else done + '.'}")
