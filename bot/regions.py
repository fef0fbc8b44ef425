"""Loads the region tree into the database, from the CSV files of config/regions or one given by hand."""

import csv
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from models.region import LEVELS, Region, level_of, parents

FOLDER = Path(__file__).parent.parent / "config" / "regions"
DIVISIONS = FOLDER / "divisions.csv"
DEMO_VILLAGES = FOLDER / "villages-demo.csv"
_BATCH = 2_000
_SHORTEST = 2


class BadRegions(Exception):
    """A row's code, level or parent does not hold; says which line."""


def read_regions(path: Path) -> Iterator[tuple[str, str, str]]:
    """(code, name, level) of each row of a CSV file with those columns. Raises BadRegions."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            code, name, level = (row.get(column) or "" for column in ("code", "name", "level"))
            if not (len(code) == 12 and code.isascii() and code.isdigit() and name and level in LEVELS):
                raise BadRegions(f"{path.name}, line {line}: wants a 12-digit code, a name, and a level of {LEVELS}")
            if level_of(code) != level:
                raise BadRegions(f"{path.name}, line {line}: {code} is the code of a {level_of(code)}, not a {level}")
            yield code, name, level


def load_regions(database: Engine, rows: Iterable[tuple[str, str, str]]) -> int:
    """Write (code, name, level) rows, parents before their children or there already; again is harmless.

    Returns how many. Raises BadRegions, with nothing written, for one without its parent.
    """
    with (FOLDER / "names.toml").open("rb") as file:
        naming = tomllib.load(file)
    headings = naming["headings"]
    batch: list[dict[str, object]] = []
    count = 0
    insert = postgres_insert if database.dialect.name == "postgresql" else sqlite_insert
    statement = insert(Region)
    statement = statement.on_conflict_do_update(
        index_elements=["code"],
        set_={name: statement.excluded[name] for name in ("name", "short", "full_name", "level")},
    )
    with database.begin() as connection:
        names = {row.code: row.name for row in connection.execute(select(Region.code, Region.name))}
        for code, name, level in rows:
            names[code] = name
            missing = [parent for parent in parents(code) if parent not in names]
            if missing:
                raise BadRegions(f"{code}: what it belongs to, {missing[0]}, has to be loaded before it")
            above = "".join(names[parent] for parent in parents(code) if names[parent] not in headings)
            short = short_name(name, naming)
            number = LEVELS.index(level)
            batch.append({"code": code, "name": name, "short": short, "full_name": above + name, "level": number})
            if len(batch) == _BATCH:
                connection.execute(statement, batch)
                count += len(batch)
                batch = []
        if batch:
            connection.execute(statement, batch)
    return count + len(batch)


def short_name(name: str, naming: dict[str, object]) -> str:
    """The name as people say it; ``naming`` is config/regions/names.toml."""
    villages: dict[str, str] = naming["villages"]  # type: ignore[assignment]
    endings: list[str] = naming["endings"]  # type: ignore[assignment]
    for official, spoken in villages.items():
        if name.endswith(official):
            return name.removesuffix(official).removesuffix(spoken) + spoken
    for ending in sorted(endings, key=len, reverse=True):
        if name.endswith(ending) and len(name) - len(ending) >= _SHORTEST:
            stem = name.removesuffix(ending)
            return _without_peoples(stem, naming) if ending in naming["behind_peoples"] else stem  # type: ignore[operator]
    return name


def _without_peoples(stem: str, naming: dict[str, object]) -> str:
    peoples: list[str] = naming["peoples"]  # type: ignore[assignment]
    while fitting := [one for one in peoples if stem.endswith(one) and len(stem) - len(one) >= _SHORTEST]:
        stem = stem.removesuffix(max(fitting, key=len))
    return stem
