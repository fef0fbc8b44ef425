"""Check appeals' public pages: each was looked at, and agreed to by its owner or by an act that stands for them."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, cast, or_, select

from models.appeals.appeal import Appeal
from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.proxy.mandate import ProxyAct
from models.public.appeal_page import SUBJECT, AppealPage


def check_pages(connection: Connection, _now: datetime) -> Iterator[Violation]:
    page = AppealPage
    by_owner = AuditEvent.actor == "user:" + cast(Appeal.owner_id, String)
    act = (ProxyAct.subject == SUBJECT) & (ProxyAct.subject_id == page.appeal_id) & (ProxyAct.at == page.agreed_at)
    by_mandate = AuditEvent.actor.startswith("staff:") & select(ProxyAct.id).where(act).exists()
    looked = _was_recorded("page_shown", AuditEvent.at == page.shown_at)
    agreed = _was_recorded("page_agreed", (AuditEvent.at == page.agreed_at) & or_(by_owner, by_mandate))
    wrong = select(page.appeal_id).join(Appeal, Appeal.id == page.appeal_id)
    wrong = wrong.where(page.agreed_at.is_not(None), or_(~looked, ~agreed)).order_by(page.id)
    for found in stream(connection, wrong):
        words = "has a public page that its owner was not shown, or did not agree to"
        yield Violation("page_without_agreement", "appeal", found.appeal_id, words)


def _was_recorded(action: str, when: ColumnElement[bool]) -> ColumnElement[bool]:
    theirs = (AuditEvent.subject == SUBJECT) & (AuditEvent.subject_id == AppealPage.appeal_id)
    return select(AuditEvent.id).where(theirs, AuditEvent.action == action, when).exists()
