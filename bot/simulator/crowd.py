"""Who there is: the people, whether they follow the account, and the tags it gave them.

Who was added and who follows can outlive a restart (bot.simulator.followers); tags do not, the account gives them anew.
"""

import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.simulator.errors import ApiError
from bot.simulator.followers import as_left, read_followers, write_followers
from bot.simulator.options import Person

FIRST_TAG = 100
TAGS = 100
TAG_NAME_LENGTH = 30
TAGS_PER_PERSON = 20
PEOPLE_PER_BATCH = 50


class UnknownPerson(LookupError):
    """Nobody here has that openid."""


@dataclass
class _Phone:
    """One person's side of the account."""

    person: Person
    following: bool
    met: bool
    """Has followed at least once: a first look at the account follows it, a later one does not."""
    tags: list[int] = field(default_factory=list)


class Crowd:
    """``kept``: the file of who was added and who follows. Raises OSError, ValueError where it cannot be read."""

    def __init__(self, people: Sequence[Person], templates_dir: Path, kept: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._phones = {person.openid: _Phone(person, person.following, person.following) for person in people}
        self._at_start = len(self._phones)
        self._kept = kept
        self._tags: dict[int, str] = {}
        self._newcomers = json.loads((templates_dir / "newcomers.json").read_text(encoding="utf-8"))
        self.changes = 0
        """Grows whenever somebody's tags, and so perhaps their menu, have changed."""
        for left in read_followers(kept) if kept else ():
            known = self._phones.get(left.person.openid)
            person = known.person if known else left.person
            self._phones[person.openid] = _Phone(person, left.person.following, left.met)
        self._arrived = len(self._phones) - self._at_start

    def add(self, openid: str = "", name: str = "", following: bool = False) -> Person:
        """A new person; without a name they take the next of ``newcomers.json``."""
        with self._lock:
            row = {"name": name, "note": "", "gloss": ""} if name else self._next_newcomer()
            person = Person(openid or f"o{secrets.token_urlsafe(20)}", **row, following=following)
            self._phones[person.openid] = _Phone(person, following, following)
            self._keep()
            return person

    def follow(self, openid: str, following: bool) -> None:
        """Raises UnknownPerson."""
        with self._lock:
            phone = self._phone(openid)
            phone.following = following
            phone.met = phone.met or following
            self._keep()

    def has_met(self, openid: str) -> bool:
        with self._lock:
            return self._phone(openid).met

    def is_following(self, openid: str) -> bool:
        with self._lock:
            return self._phone(openid).following

    def knows(self, openid: str) -> bool:
        with self._lock:
            return openid in self._phones

    def person(self, openid: str) -> Person:
        """Raises UnknownPerson."""
        with self._lock:
            return self._phone(openid).person

    def require(self, openid: str) -> None:
        """Raises UnknownPerson."""
        if not self.knows(openid):
            raise UnknownPerson(openid)

    def shown(self) -> list[dict[str, Any]]:
        """Everybody as the page shows them: whoever came last, before those who were there at the start."""
        with self._lock:
            phones = list(self._phones.values())
            shown = [*reversed(phones[self._at_start :]), *phones[: self._at_start]]
            return [
                {
                    **asdict(phone.person),
                    "following": phone.following,
                    "met": phone.met,
                    "tags": [self._tags[tag] for tag in phone.tags],
                }
                for phone in shown
            ]

    def tags_of(self, openid: str) -> list[int]:
        """Raises ApiError 40003."""
        with self._lock:
            if openid not in self._phones:
                raise ApiError(40003)
            return list(self._phones[openid].tags)

    def tags(self) -> list[dict[str, Any]]:
        with self._lock:
            counts = [tag for phone in self._phones.values() for tag in phone.tags]
            return [{"id": tag, "name": name, "count": counts.count(tag)} for tag, name in self._tags.items()]

    def create_tag(self, name: str) -> int:
        """Raises ApiError 45157 (exists), 45158 (too long), 45056 (too many)."""
        with self._lock:
            if not name or name in self._tags.values():
                raise ApiError(45157)
            if len(name) > TAG_NAME_LENGTH:
                raise ApiError(45158)
            if len(self._tags) >= TAGS:
                raise ApiError(45056)
            tag = FIRST_TAG + len(self._tags)
            self._tags[tag] = name
            return tag

    def has_tag(self, tag: int) -> bool:
        with self._lock:
            return tag in self._tags

    def tag(self, openids: Sequence[str], tag: int, wear: bool) -> None:
        """Puts the tag on these people, or takes it off. All of them or, with an ApiError, none."""
        if not 0 < len(openids) <= PEOPLE_PER_BATCH:
            raise ApiError(40032)
        with self._lock:
            if tag not in self._tags:
                raise ApiError(45159)
            phones = [self._phones[openid] for openid in openids if openid in self._phones]
            if len(phones) < len(openids) or not all(phone.following for phone in phones):
                raise ApiError(49003)
            if wear and any(tag not in phone.tags and len(phone.tags) >= TAGS_PER_PERSON for phone in phones):
                raise ApiError(45059)
            for phone in phones:
                phone.tags = [worn for worn in phone.tags if worn != tag] + ([tag] if wear else [])
            self.changes += 1

    def _keep(self) -> None:
        """Write down everybody who was added, and of the others those who have followed or left since the start."""
        if self._kept is None:
            return
        changed = [
            as_left(phone.person, phone.following, phone.met)
            for number, phone in enumerate(self._phones.values())
            if number >= self._at_start or phone.following != phone.person.following
        ]
        write_followers(self._kept, changed)

    def _phone(self, openid: str) -> _Phone:
        if openid not in self._phones:
            raise UnknownPerson(openid)
        return self._phones[openid]

    def _next_newcomer(self) -> dict[str, str]:
        row = self._newcomers[self._arrived % len(self._newcomers)]
        self._arrived += 1
        return {"name": row["name"], "note": row["note"], "gloss": row["gloss"]}
