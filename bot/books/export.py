"""Export the public ledger as files from which anyone can recompute every total and the chain's head.

The files are written from one snapshot of the database beside the present ones, and replace them only when all are
complete. Every transaction is checked against its hash before it is published.
"""

import csv
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from bot.books.sealing import seal_all
from bot.words.render import TEMPLATES
from models.core.calendar import day_in_china
from models.core.database import snapshot
from models.core.hash_chain import GENESIS, microseconds
from models.ledger import Account, Totals
from models.ledger.kinds import MOVES
from models.ledger.links import FORM, link_hash
from models.ledger.totals import add_up
from models.public.ledger import AppealTotals, Posted, all_appeals, all_posted, head_of

log = structlog.get_logger()

# The manifest is replaced last: it holds the others' hashes, so a reader who has it finds them.
DATA = ("ledger.jsonl", "ledger.csv", "appeals.csv")
MANIFEST = "manifest.json"
FILES = (*DATA, "README.txt", "verify.py", MANIFEST)
_COLUMNS = ("number", "kind", "cause", "at", "day", "reverses", "account", "account_id", "fen", "hash")
_APPEAL = ("number", "title", "state", "target_fen", "paid", "matched", "refunded", "disbursed", "held")
_LOCK = ".lock"
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class NotTheLedger(Exception):
    """The database differs from what was sealed: nothing is published, and check-books says what is wrong."""


@dataclass
class _File:
    """A file that counts its lines and hashes what is written to it."""

    path: Path
    lines: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def __enter__(self) -> "_File":
        self._file = self.path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, text: str) -> int:
        """Write text, as ``csv`` expects of a file. Returns the bytes written."""
        data = text.encode()
        self.lines += text.count("\n")
        self.digest.update(data)
        return self._file.write(data)

    def row(self, values: Sequence[object]) -> None:
        csv.writer(self, lineterminator="\n").writerow(values)

    def line(self, value: object) -> None:
        self.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")

    @property
    def facts(self) -> dict[str, Any]:
        return {"lines": self.lines, "sha256": self.digest.hexdigest()}


@dataclass(frozen=True, slots=True)
class Exported:
    """The figures of the export, as the manifest has them."""

    transactions: int
    entries: int
    appeals: int
    head: str
    totals: Totals
    accounts: dict[str, int]


@dataclass
class _Sums:
    """What the written lines add up to: fen by appeal and kind of posting (debit positive), and by kind of account."""

    appeals: dict[int, dict[str, int]] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)

    def add(self, posted: Posted) -> None:
        for kind, number, fen in posted.entries:
            self.accounts[kind] = self.accounts.get(kind, 0) + Account(kind, number).sign * fen
            if kind == "appeal":
                sums = self.appeals.setdefault(number, {})
                sums[posted.kind] = sums.get(posted.kind, 0) + fen

    @property
    def totals(self) -> Totals:
        return add_up(pair for sums in self.appeals.values() for pair in sums.items())


def export_ledger(database_url: str | URL, folder: Path, env: Environment, now: datetime) -> Exported:
    """Seal what waits, then export what is sealed to the folder; ``env`` has templates/export.

    Every sum is that of the lines: what is posted meanwhile is in none of the files. Raises NotTheLedger or OSError;
    then the files that were there stay.
    """
    _seal(database_url)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), snapshot(database_url) as connection, Session(connection) as db:
        parts = {name: folder / f".{name}.part" for name in FILES}
        try:
            exported, files = _write_data(connection, db, parts)
            files |= _write_beside(env, parts)
            manifest = _manifest(exported, files, now)
            with _File(parts[MANIFEST]) as file:
                file.write(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
            for name in FILES:
                parts[name].replace(folder / name)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    log.info("ledger.published", transactions=exported.transactions, head=exported.head)
    return exported


def _seal(database_url: str | URL) -> None:
    database = create_engine(database_url, poolclass=NullPool, hide_parameters=True)
    try:
        seal_all(database)
    finally:
        database.dispose()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder for one export; parts that a killed export left are overwritten."""
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_data(connection: Connection, db: Session, parts: dict[str, Path]) -> tuple[Exported, dict[str, Any]]:
    with ExitStack() as stack:
        lines, table, appeals = (stack.enter_context(_File(parts[name])) for name in DATA)
        count, entries, before = 0, 0, GENESIS
        sums = _Sums()
        table.row(_COLUMNS)
        for posted in all_posted(connection):
            count, before = count + 1, _proved(posted, count + 1, before)
            entries += len(posted.entries)
            lines.line(_line(posted))
            for row in _rows(posted):
                table.row(row)
            sums.add(posted)
        if (count, before) != head_of(connection):
            raise NotTheLedger("the chain does not end where its head says")
        appeals.row(_APPEAL)
        for appeal in all_appeals(db):
            if appeal.number in sums.appeals:
                appeals.row(_appeal(appeal, add_up(sums.appeals[appeal.number].items())))
        facts = {name: file.facts for name, file in zip(DATA, (lines, table, appeals), strict=True)}
    accounts = dict(sorted(sums.accounts.items()))
    return Exported(count, entries, appeals.lines - 1, before, sums.totals, accounts), facts


def _proved(posted: Posted, number: int, before: str) -> str:
    """Check a transaction's number, hash and balance, and return the hash. Raises NotTheLedger."""
    entries = [((kind, subject_id), fen) for kind, subject_id, fen in posted.entries]
    values = {**{name: getattr(posted, name) for name in ("number", "kind", "cause", "at", "reverses")}}
    sealed = link_hash(before, {**values, "entries": entries})
    rest = sum(entry[2] for entry in posted.entries)
    if (posted.number, posted.hash, rest) != (number, sealed, 0):
        raise NotTheLedger(f"transaction {posted.number} is not what was sealed")
    return sealed


def _line(posted: Posted) -> dict[str, Any]:
    at = {"at": microseconds(posted.at), "day": day_in_china(posted.at)}
    first = {"number": posted.number, "kind": posted.kind, "cause": posted.cause}
    return {**first, **at, "reverses": posted.reverses, "entries": posted.entries, "hash": posted.hash}


def _rows(posted: Posted) -> Iterator[tuple[object, ...]]:
    line = _line(posted)
    first = [line[name] for name in _COLUMNS[:6]]
    for entry in posted.entries:
        yield (*first, *entry, posted.hash)


def _appeal(appeal: AppealTotals, sums: Totals) -> tuple[object, ...]:
    title = f"'{appeal.title}" if appeal.title.startswith(_FORMULA) else appeal.title
    parts = (sums.paid, sums.matched, sums.refunded, sums.disbursed, sums.held)
    return (appeal.number, " ".join(title.split()), appeal.state, appeal.target_fen, *parts)


def _write_beside(env: Environment, parts: dict[str, Path]) -> dict[str, Any]:
    """Write the text that explains the lines, and the program that verifies them."""
    words = {
        "README.txt": env.get_template("export/README.txt").render(kinds=list(MOVES), form=FORM),
        "verify.py": (TEMPLATES / "export" / "verify.py").read_text(encoding="utf-8"),
    }
    facts = {}
    for name, text in words.items():
        with _File(parts[name]) as file:
            file.write(text.strip("\n") + "\n")
            facts[name] = file.facts
    return facts


def _manifest(exported: Exported, files: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "form": FORM,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "head": {"number": exported.transactions, "hash": exported.head},
        "transactions": exported.transactions,
        "entries": exported.entries,
        "appeals": exported.appeals,
        "totals": {**asdict(exported.totals), "held": exported.totals.held},
        "accounts": exported.accounts,
        "files": files,
    }
