"""Register the demo's organisations, let the county confirm them, and ask the households of the place."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from bot.demo.seed_pictures import picture
from models.appeals.appeal import Appeal
from models.appeals.beneficiary import answer, ask_households
from models.appeals.submission import Asker
from models.core.at_commit import write_waiting
from models.core.audit_trail import record_reading
from models.core.calendar import CHINA
from models.organisations.application import NewOrganisation, register
from models.organisations.desk import approve
from models.organisations.organisation import SUBJECT, Organisation
from models.people.user import User
from models.staff.file_access import record_file_access
from models.staff.member import Staff


class Organisations:
    """``users``, ``staff``, ``appeals`` and ``people``: those of the history so far, by key or number in the files."""

    def __init__(
        self,
        db: Session,
        users: Mapping[str, User],
        staff: Mapping[str, Staff],
        people: Mapping[str, int],
        appeals: Mapping[int, Appeal],
        now: datetime,
    ) -> None:
        self.db, self.users, self.staff, self.people, self.appeals = db, users, staff, people, appeals
        self.now = now
        self.made: dict[str, Organisation] = {}

    def happenings(self, rows: Mapping[str, Row]) -> Iterator[Happening]:
        for key, row in rows.items():
            yield row["days_ago"], partial(self.register, key, row)
            yield row["confirmed"]["days_ago"], partial(self.confirm, key, row)
            for asked in row.get("beneficiaries", ()):
                yield asked["days_ago"], partial(self.ask, asked)

    def asker(self, key: str) -> Asker:
        """Return the organisation as who asks in an appeal."""
        made = self.made[key]
        return Asker(made.household_id, made.region_code)

    def register(self, key: str, row: Row, when: datetime) -> None:
        wanted = NewOrganisation(
            draft_id=f"demo-organisation-{key}",
            kind=row["kind"],
            name=row["name"],
            credit_code=row["credit_code"],
            region_code=row["region"],
            until=(self.now + timedelta(days=row["until_in_days"])).astimezone(CHINA).date(),
            photos=(),
        )
        sender = self.people[row["representative"]]
        made, _ = register(self.db, wanted, self.users[row["representative"]], sender, when)
        self.made[key] = made
        picture(self.db, SUBJECT, made.id, sender, when)

    def confirm(self, key: str, row: Row, when: datetime) -> None:
        """Let the county open the letter and confirm the organisation.

        The officer is known to have opened it by the audit trail, which is written for that before the whole is there.
        """
        officer, number = self.staff[row["confirmed"]["by"]], self.made[key].id
        about = self.users[row["representative"]].id
        record_file_access(self.db, officer, SUBJECT, number, about, when)
        record_reading(
            self.db,
            at=when,
            actor=officer.actor.name,
            subject=SUBJECT,
            subject_id=number,
            purpose="pictures",
            about=about,
        )
        write_waiting(self.db.connection())
        approve(self.db, officer, number, when)

    def ask(self, row: Row, when: datetime) -> None:
        """Ask the households of the place whether they are to be counted; some answer the next day."""
        appeal = self.appeals[row["appeal"]]
        ask_households(self.db, appeal, when)
        for said in ("agreed", "declined"):
            for key in row.get(said, ()):
                answer(self.db, self.users[key], appeal.id, said, when + timedelta(days=1))
