"""Load the region tree into the database, from the CSV files of config/regions or one given by hand.

Everything is checked before anything is written. Then it is written batch by batch, each in its own transaction, so
that people can go on talking meanwhile; running it again finishes a load that was stopped.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from bot.places.rows import BadRegions, Past, Row, check, merge, read_regions
from models.core.audit_trail import record
from models.core.calendar import CHINA
from models.places.region import LEVELS, Region, parents
from models.upkeep.region_succession import Moved, move_to_successors

__all__ = ["DEMO_VILLAGES", "DIVISIONS", "BadRegions", "load_regions", "read_regions"]

FOLDER = Path(__file__).parents[2] / "config" / "regions"
DIVISIONS = FOLDER / "divisions.csv"
DEMO_VILLAGES = FOLDER / "villages-demo.csv"
_BATCH = 2_000
_PAGE = 20_000
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: ``count`` rows; ``ended``: how many known regions they ended; ``moved``: rows moved then."""

    count: int
    ended: int
    moved: Moved


def load_regions(
    database: Engine,
    rows: Iterable[Row],
    *,
    now: datetime | None = None,
    progress: Callable[[int], Any] = lambda count: None,
) -> Loaded:
    """Write the rows, whose parents must come before them or exist already. Safe to repeat.

    ``progress`` gets each batch's number of rows. Live rows of a region that has ended move to its successor. Raises
    BadRegions, with nothing written.
    """
    rows = list(rows)
    now = now or datetime.now(UTC)
    names, past = _read_table(database)
    check(rows, names, past, now.astimezone(CHINA).date())
    after = merge(rows, past)
    _write_rows(database, rows, names | {row.code: row.name for row in rows}, progress)
    changed = [row.code for row in rows if _end(after, row.code) != _end(past, row.code)]
    for batch in _batches(changed, _BATCH):
        _write_ends(database, {code: after[code] for code in batch}, names, past, now)
    ended = sum(1 for code in changed if after[code].valid_to and code in names and not _end(past, code)[0])
    return Loaded(len(rows), ended, move_to_successors(database, now))


def _end(past: Mapping[str, Past], code: str) -> tuple[Any, Any]:
    return past.get(code, Past())[1:]


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _read_table(database: Engine) -> tuple[dict[str, str], dict[str, Past]]:
    """Read code -> name, and code -> history if there is one; page by page, since no statement may take long."""
    names: dict[str, str] = {}
    past: dict[str, Past] = {}
    columns = (Region.code, Region.name, Region.valid_from, Region.valid_to, Region.successor)
    last = ""
    while True:
        with database.connect() as connection:
            page = connection.execute(select(*columns).where(Region.code > last).order_by(Region.code).limit(_PAGE))
            rows = page.all()
        if not rows:
            return names, past
        for row in rows:
            last, names[row.code] = row.code, row.name
            if row.valid_from or row.valid_to:
                past[row.code] = Past(row.valid_from, row.valid_to, row.successor)


def _write_rows(
    database: Engine, rows: Sequence[Row], names: Mapping[str, str], progress: Callable[[int], Any]
) -> None:
    with (FOLDER / "names.toml").open("rb") as file:
        naming = tomllib.load(file)
    for dated in (False, True):
        some = [row for row in rows if ("valid_from" in row.history) is dated]
        statement = _upsert(database, ["name", "short", "full_name", "level", *(["valid_from"] if dated else [])])
        for batch in _batches(some, _BATCH):
            with database.begin() as connection:
                connection.execute(statement, [_values(row, names, naming) for row in batch])
            progress(len(batch))


def _upsert(database: Engine, columns: Sequence[str]) -> Any:
    """Make the statement that inserts a region, or updates these columns where one differs."""
    statement = insert(Region)
    new = {name: statement.excluded[name] for name in columns}
    differs = or_(*(getattr(Region, name).is_distinct_from(value) for name, value in new.items()))
    return statement.on_conflict_do_update(index_elements=["code"], set_=new, where=differs)


def _values(row: Row, names: Mapping[str, str], naming: Mapping[str, Any]) -> dict[str, Any]:
    above = "".join(names[parent] for parent in parents(row.code) if names[parent] not in naming["headings"])
    dated = {"valid_from": row.history["valid_from"]} if "valid_from" in row.history else {}
    return {
        "code": row.code,
        "name": row.name,
        "short": short_name(row.name, naming),
        "full_name": above + row.name,
        "level": LEVELS.index(row.level),
        **dated,
    }


def _write_ends(
    database: Engine, ends: Mapping[str, Past], names: Mapping[str, str], past: Mapping[str, Past], now: datetime
) -> None:
    """Write when these regions ended and their successors, with an audit event for those that existed before."""
    statement = (
        update(Region.__table__)  # type: ignore[arg-type]
        .where(Region.code == bindparam("of"))
        .values(valid_to=bindparam("ends"), successor=bindparam("then"))
    )
    with database.begin() as connection, Session(connection) as db:
        values = [{"of": code, "ends": own.valid_to, "then": own.successor} for code, own in ends.items()]
        connection.execute(statement, values)
        for code, own in ends.items():
            if code in names:
                action = "region_ended" if own.valid_to else "region_restored"
                record(
                    db,
                    at=now,
                    actor="system",
                    action=action,
                    subject="region",
                    subject_id=int(code),
                    detail=own.successor,
                )
        db.flush()


def short_name(name: str, naming: Mapping[str, Any]) -> str:
    """Return the name as people say it; ``naming`` is config/regions/names.toml."""
    villages: dict[str, str] = naming["villages"]
    endings: list[str] = naming["endings"]
    for official, spoken in villages.items():
        if name.endswith(official):
            return name.removesuffix(official).removesuffix(spoken) + spoken
    for ending in sorted(endings, key=len, reverse=True):
        if name.endswith(ending) and len(name) - len(ending) >= _SHORTEST:
            stem = name.removesuffix(ending)
            return _without_peoples(stem, naming) if ending in naming["behind_peoples"] else stem
    return name


def _without_peoples(stem: str, naming: Mapping[str, Any]) -> str:
    peoples: list[str] = naming["peoples"]
    while fitting := [one for one in peoples if stem.endswith(one) and len(stem) - len(one) >= _SHORTEST]:
        stem = stem.removesuffix(max(fitting, key=len))
    return stem
