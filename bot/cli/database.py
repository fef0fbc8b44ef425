"""Demand the database of a command: that it answers, and that it has today's schema."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import FlaskGroup
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from config.settings import Settings
from models.core.database import connect
from models.migrations import current, head


def demand_database(settings: Settings) -> None:
    """Demand that the database answers. Raises ClickException, in one line."""
    database = connect(settings.database_url, collects=settings.collects)
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


@contextmanager
def migrated(settings: Settings) -> Iterator[Engine]:
    """Open the database, at today's schema. Raises ClickException."""
    demand_database(settings)
    database = connect(settings.database_url, collects=settings.collects)
    try:
        with database.connect() as connection:
            if current(connection) != head():
                raise click.ClickException("the database is not at today's schema; run upgrade first")
        yield database
    finally:
        database.dispose()
