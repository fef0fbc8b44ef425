"""Keep in a file who was added to the people of the start, and who follows the account since: it outlives a restart."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bot.simulator.options import Person


@dataclass(frozen=True)
class Follower:
    """``person.following`` is as it was left. ``met``: has followed at least once."""

    person: Person
    met: bool


def read_followers(file: Path) -> list[Follower]:
    """Nobody where there is no file yet. Raises OSError where it cannot be read, ValueError where it does not fit."""
    if not file.exists():
        return []
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return [Follower(Person(**row["person"]), bool(row["met"])) for row in rows]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error


def write_followers(file: Path, followers: Iterable[Follower]) -> None:
    """All or nothing: a program that is ended meanwhile leaves the file as it was. Raises OSError."""
    rows = [asdict(follower) for follower in followers]
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(rows, ensure_ascii=False, indent=2), encoding="utf-8")
    beside.replace(file)


def as_left(person: Person, following: bool, met: bool) -> Follower:
    return Follower(replace(person, following=following), met)
