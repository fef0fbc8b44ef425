"""The command line: ``flask --app wsgi COMMAND``."""

import click
from flask import Flask

from config.settings import Settings
from models.migrations import upgrade


def add_commands(app: Flask, settings: Settings) -> None:
    @app.cli.command("upgrade")
    def upgrade_() -> None:
        """Bring the database to today's schema."""
        upgrade(settings.database_url)
        click.echo("The database is up to date.")
