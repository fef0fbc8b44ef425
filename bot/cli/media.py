"""Define the command that takes the photos into a bucket: ``flask --app wsgi copy-media``."""

from pathlib import Path

import click
from flask import Flask

from bot.cli.database import migrated
from bot.photos.copying import LiesOpen, copy_media
from bot.storage.choice import open_media
from bot.storage.folder import Folder
from bot.storage.interface import StorageTrouble
from config.settings import Settings


def add_media_commands(app: Flask, settings: Settings) -> None:
    @app.cli.command("copy-media")
    def copy_media_() -> None:
        """Copy the photos of MEDIA_DIR into the bucket of S3_URL; again copies only what is new."""
        if settings.bucket is None:
            raise click.UsageError("set S3_URL and its keys, for this command alone until all photos are copied")
        with migrated(settings) as database:
            try:
                done = copy_media(database, Folder(Path(settings.media_dir)), open_media(settings))
            except LiesOpen:
                raise click.ClickException("photos from before 0.3 lie open; run rotate-keys first") from None
            except StorageTrouble as error:
                raise click.ClickException(f"copying stopped: {error}; run it again") from None
        click.echo(f"{done.photos} photos and {done.public} public copies copied.")
        if done.missing:
            raise click.ClickException(f"{done.missing} photos are neither here nor there; the log names them")
