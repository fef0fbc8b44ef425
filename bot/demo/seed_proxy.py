"""Play what an officer did as a proxy for a person without a phone: the signed sheet, the registration, an appeal."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.demo.seed_pictures import picture
from flows.proxy.register import CONSENTS
from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.people.user import User
from models.proxy.act import record_proxy_act
from models.proxy.card import issue_card
from models.proxy.mandate import Mandate, grant_mandate
from models.staff.member import Staff


class Proxies:
    def __init__(self, db: Session, staff: dict[str, Staff], people: dict[str, int]) -> None:
        self.db, self.staff, self.people = db, staff, people

    def registered(self, officer: str, user: User, when: datetime) -> None:
        mandate = self._consent(officer, user, "register", when)
        record(
            self.db,
            at=when,
            actor=self.staff[officer].actor.name,
            action="consented",
            subject="mandate",
            subject_id=mandate.id,
            detail=",".join(CONSENTS),
        )
        record_proxy_act(self.db, mandate, self.staff[officer], "user", user.id, "", when)
        issue_card(self.db, user, self.staff[officer], when)

    def asked(self, officer: str, user: User, appeal: Appeal, when: datetime) -> None:
        mandate = self._consent(officer, user, "appeal", when)
        record_proxy_act(self.db, mandate, self.staff[officer], "appeal", appeal.id, appeal.title, when)

    def _consent(self, officer: str, user: User, scope: str, when: datetime) -> Mandate:
        draft_id = f"demo-sheet-{scope}-{user.id}"
        mandate = grant_mandate(self.db, self.staff[officer].id, user.id, "sheet", scope, draft_id, when)
        picture(self.db, "mandate", mandate.id, self.people[f"@{officer}"], when)
        return mandate
