"""Add the commands that take a backup, and that restore one and prove it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask import Flask
from sqlalchemy import Engine

from bot.books.check import read_noted
from bot.books.sealing import seal_all
from bot.cli.database import demand_database, migrated
from bot.photos.files import PhotoFiles
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import ServiceError
from bot.storage.choice import name_media, open_media
from bot.storage.folder import Folder
from bot.storage.interface import Storage, StorageTrouble
from bot.upkeep.backup.manifest import Manifest, NoBackup, check_files, read_manifest
from bot.upkeep.backup.postgres_programs import ProgramFailed
from bot.upkeep.backup.prove import Proof, prove_books, prove_loaded, prove_photos, prove_sealed
from bot.upkeep.backup.restore import CannotRestore, check_keys, check_place, load
from bot.upkeep.backup.take import CannotBackUp, take_backup
from bot.work.clock import Clock
from config.settings import ROOT, Settings
from models.books import Noted
from models.core.database import connect
from models.core.encryption import keyring
from models.migrations import current, head, upgrade

_TROUBLES = (CannotBackUp, CannotRestore, NoBackup, ProgramFailed, ServiceError)
_KEPT_APART = """\
No key is in it, and without the keys it is worth nothing: DATA_KEYS ({keys}) and the other secrets of this
installation come from {where}. Keep a copy of them elsewhere, never beside a backup.
Note the two heads outside of this machine: only with them can nobody pass another history off as yours."""

_RESTORED = "Restored. Before the bot starts: erasures replay FILE (an empty FILE where there is none), then doctor."
_THROWN_AWAY = "This backup can be restored. What it was loaded into is thrown away."


def add_backup_commands(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``backup`` and ``restore``."""

    @app.cli.command("backup")
    @click.argument("target", type=click.Path(path_type=Path))
    @click.option("--without-photos", is_flag=True, help="The database alone, where photos are kept twice already.")
    def backup(target: Path, *, without_photos: bool) -> None:
        """Back up the database and the photos to a new folder TARGET, while the bot runs; no key is in it."""
        photos = None if without_photos else open_media(settings)
        with migrated(settings) as database, _told(settings):
            manifest = take_backup(database, photos, target.absolute())
        click.echo(f"Backup of {manifest.at:%Y-%m-%d %H:%M:%S} UTC in {target.absolute()}")
        for line in _described(manifest):
            click.echo(f"  {line}")
        click.echo(_KEPT_APART.format(keys=", ".join(keyring().names), where=_source_of_secrets()))
        if lacking := set(manifest.keys) - {*keyring().names}:
            raise click.ClickException(f"some values are sealed with keys that DATA_KEYS lacks: {', '.join(lacking)}")
        if manifest.missing:
            numbers = ", ".join(map(str, manifest.missing[:20]))
            raise click.ClickException(
                f"the backup is whole but for {len(manifest.missing)} photos whose file is not there: {numbers}"
            )

    @app.cli.command("restore")
    @click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @click.option("--prove", is_flag=True, help="Check the books, the chains' heads, sealed values and photos then.")
    @click.option("--scratch", is_flag=True, help="Into a database and a folder that are thrown away: to prove it.")
    @click.option("--head", "noted", metavar="N:HASH", help="The audit chain's head as it was noted elsewhere.")
    @click.option("--ledger-head", "noted_ledger", metavar="N:HASH", help="The same of the ledger.")
    def restore(source: Path, *, prove: bool, scratch: bool, noted: str | None, noted_ledger: str | None) -> None:
        """Load the backup SOURCE into the empty database of DATABASE_URL, and its photos to where photos are kept."""
        heads = _read_head("--head", noted), _read_head("--ledger-head", noted_ledger)
        with _told(settings), _place(settings, scratch=scratch) as (database, storage):
            manifest = read_manifest(source)
            click.echo(f"Backup of {manifest.at:%Y-%m-%d %H:%M:%S} UTC, migration {manifest.migration}.")
            _check(database, source, manifest)
            photos = load(database, storage, source, manifest)
            click.echo(f"loaded   {manifest.rows} rows of {len(manifest.tables)} tables, {photos} photos")
            proofs = [_tell(proof) for proof in prove_loaded(database, manifest)]
            _upgrade(database)
            if prove:
                seal_all(database)  # what waited for its link when the backup was taken
                books = prove_books(database.url, manifest, clock(), heads)
                rest = chain(books, prove_sealed(database), prove_photos(database, PhotoFiles(storage), manifest))
                proofs += [_tell(proof) for proof in rest]
        if wrong := [proof.what for proof in proofs if not proof.holds]:
            raise click.ClickException(f"NOT PROVED: {', '.join(wrong)}. Do not start the bot on it; keep the backup")
        click.echo(_THROWN_AWAY if scratch else _RESTORED)


@contextmanager
def _place(settings: Settings, *, scratch: bool) -> Iterator[tuple[Engine, Storage]]:
    """Open where the backup goes: what the settings name, or a PostgreSQL and a folder for this command alone."""
    with ExitStack() as stack:
        if scratch:
            url = stack.enter_context(EmbeddedPostgres()).url
            storage: Storage = Folder(Path(stack.enter_context(TemporaryDirectory())))
        else:
            demand_database(settings)
            url, storage = settings.database_url, open_media(settings)
        database = connect(url, collects=settings.collects, frozen_for=settings.frozen_for)
        stack.callback(database.dispose)
        yield database, storage


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """Turn what went wrong into one line. Raises ClickException."""
    try:
        yield
    except _TROUBLES as error:
        raise click.ClickException(str(error)) from None
    except StorageTrouble as error:
        raise click.ClickException(f"the photos in {name_media(settings)} cannot be read or written: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the disk'}: {error.strerror}") from None


def _check(database: Engine, source: Path, manifest: Manifest) -> None:
    """Demand what a restore needs, before it writes anything."""
    check_place(database, manifest)
    check_keys(manifest)
    _tell(Proof("keys", True, f"DATA_KEYS has what sealed it: {', '.join(manifest.keys) or 'nothing was sealed'}"))
    check_files(source, manifest)
    _tell(Proof("files", True, f"{', '.join(manifest.files)} are as they were written (SHA-256)"))


def _upgrade(database: Engine) -> None:
    """Bring what an older release backed up to today's schema."""
    with database.connect() as connection:
        behind = current(connection) != head()
    if behind:
        upgrade(database.url.render_as_string(hide_password=False))
        click.echo(f"upgraded to migration {head()}")


def _described(manifest: Manifest) -> Iterator[str]:
    for name, file in manifest.files.items():
        yield f"{name:15} {file.size / 1e6:10.1f} MB"
    yield f"{manifest.rows} rows of {len(manifest.tables)} tables, migration {manifest.migration}"
    yield f"{manifest.photos} photos, {len(manifest.missing)} missing"
    for name, noted in manifest.heads.items():
        yield f"head of the {name} chain: {noted}"


def _source_of_secrets() -> str:
    return f"{ROOT / '.env'} and the environment" if (ROOT / ".env").exists() else "the environment of the processes"


def _read_head(option: str, text: str | None) -> Noted | None:
    found = read_noted(text) if text else None
    if text and found is None:
        raise click.BadParameter("a link's number, a colon, and its hash of 64 digits", param_hint=option)
    return found


def _tell(proof: Proof) -> Proof:
    click.echo(f"{'proved' if proof.holds else 'WRONG':8} {proof.what}: {proof.found}")
    return proof
