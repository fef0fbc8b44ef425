"""Play the demo's verification cases (config/demo/cases.toml), from the registry's answer to the county's decision."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from bot.demo.seed_pictures import picture
from flows.language.lexicon import Lexicon
from flows.verification.visit import QUESTIONS
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.people.user import User
from models.staff.member import Staff
from models.verification import decisions
from models.verification.case import Verification, newest_case_of
from models.verification.lifecycle import end_notices, expire_and_remind, registry_answered
from models.verification.objection import record_objection
from models.verification.registry import RegistryEntry, look_up
from models.verification.visit import VisitReport, record_visit

Row = dict[str, Any]
Happening = tuple[float, Callable[[datetime], None]]

# How many days after the registration each step of an ordinary case was done.
_REGISTRY, _VISIT, _NOTICE_ENDED, _REVIEW, _DECISION = 0.01, 1.5, 6.6, 7.5, 9.0
# Days saved: a household found not in need gets no public notice.
_NO_NOTICE = 4.0
# The steps in order; a case stops before the one in ``waits_for``.
_STEPS = ("visit", "notice", "township_review", "county_review")


class Cases:
    """Play the cases. ``users``, ``staff`` and ``people`` (conversation ids; keys of staff begin with @) fill up as
    people arrive."""

    def __init__(
        self, db: Session, lexicon: Lexicon, users: dict[str, User], staff: dict[str, Staff], people: dict[str, int]
    ) -> None:
        self.db, self.lexicon = db, lexicon
        self.users, self.staff, self.people = users, staff, people

    def happenings(self, world: Row, residents: dict[str, Row]) -> Iterator[Happening]:
        """Yield what happens and when. ``world``: cases.toml, with each township's officers; a case may name others."""
        for key, row in world["cases"].items():
            resident = residents[key]
            row = {**world["officers"][resident["region"][:9]], **row}
            for after, happen in self._steps(key, row):
                yield resident["days_ago"] - after, happen
        for row in world["objections"]:
            yield row["days_ago"], partial(self.object, row)
        for row in world["reminders"]:
            yield row["days_ago"], self.remind

    def _steps(self, key: str, row: Row) -> Iterator[Happening]:
        steps: dict[str, Happening] = {
            "visit": (_VISIT, partial(self.visit, key, row)),
            "notice": (_NOTICE_ENDED, self.end_notices),
            "township_review": (_REVIEW, partial(self.review, key, row)),
            "county_review": (_DECISION, partial(self.decide, key, row)),
        }
        sooner = 0.0 if row.get("in_need", True) else _NO_NOTICE
        yield _REGISTRY, partial(self.ask_registry, key)
        for name in _STEPS:
            if row.get("waits_for") == name:
                return
            after, happen = steps[name]
            yield (after if name == "visit" else after - sooner), happen

    def list_in_registry(self, row: Row, resident: Row, when: datetime) -> None:
        """Add a registry entry as import-registry would; ``name`` in the row: one that is not the resident's."""
        number = resident["id_number"]
        entry = RegistryEntry(
            id_hash=keyring().lookup_hashes(number, "id_number")[0],
            id_number=number,
            name=row.get("name", resident["name"]),
            region_code=resident["region"],
            status=row["status"],
            source=row["source"],
            as_of=when.astimezone(CHINA).date(),
            imported_at=when,
        )
        self.db.add(entry)

    def ask_registry(self, key: str, when: datetime) -> None:
        user = self.users[key]
        registry_answered(self.db, self._case(key).id, look_up(self.db, user.id_number or "", user.name or ""), when)

    def visit(self, key: str, row: Row, when: datetime) -> None:
        case, officer = self._case(key), self.staff[row["visitor"]]
        answers = {name: row[name] for name in ("people", *QUESTIONS)}
        seen = VisitReport(
            draft_id=f"demo-visit-{key}",
            place=row["place"],
            assessment=answers,
            findings=row["findings"],
            score=self.lexicon.scale.score(answers),
            supports=row.get("in_need", True),
        )
        visit = record_visit(self.db, case, officer, seen, when)
        picture(self.db, "visit", visit.id, self.people[f"@{row['visitor']}"], when)
        decisions.move_after_visit(self.db, case, officer, visit, when)

    def object(self, row: Row, when: datetime) -> None:
        person = self.people[row["neighbour"]]
        record_objection(
            self.db, self._case(row["against"]), person, row["words"], f"demo-objection-{row['against']}", when
        )

    def end_notices(self, when: datetime) -> None:
        end_notices(self.db, when)

    def remind(self, when: datetime) -> None:
        expire_and_remind(self.db, when)

    def review(self, key: str, row: Row, when: datetime) -> None:
        """Review the case if it was drawn for the township; the others are with the county already."""
        case = self._case(key)
        if case.state == "township_review":
            decisions.pass_to_county(self.db, case, self.staff[row["township"]], when)

    def decide(self, key: str, row: Row, when: datetime) -> None:
        case, officer = self._case(key), self.staff[row["county"]]
        if row.get("reasons"):
            decisions.reject(self.db, case, officer, row["reasons"], when)
        else:
            decisions.verify(self.db, case, officer, when)

    def _case(self, key: str) -> Verification:
        case = newest_case_of(self.db, self.users[key].id)
        assert case is not None  # noqa: S101 - registering opened one
        return case
