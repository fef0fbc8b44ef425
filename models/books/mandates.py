"""Check proxy acts: each was covered by a consent valid at that time, and its appeal was passed by another officer."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.people.photo import Photo
from models.proxy.mandate import Mandate, ProxyAct
from models.staff.decision import Decision


def check_consents(connection: Connection, _now: datetime) -> Iterator[Violation]:
    act, mandate = ProxyAct, Mandate
    ended = or_(act.at < mandate.granted_at, act.at >= mandate.expires_at, act.at > mandate.revoked_at)
    for_another = or_(
        act.user_id != mandate.user_id,
        (act.subject == "user") & (mandate.scope != "register"),
        (act.subject == "appeal") & (mandate.scope != "appeal"),
        (act.subject == "appeal_page") & (mandate.scope != "page"),
        act.subject.in_(("match", "match_issue", "goods_thanks")) & (mandate.scope != "goods"),
    )
    sheet = select(Photo.id).where(Photo.subject == "mandate", Photo.subject_id == mandate.id)
    unseen = (mandate.kind == "sheet") & ~sheet.exists()
    acts = select(act.subject, act.subject_id, act.id).join(mandate, mandate.id == act.mandate_id)
    for found in stream(connection, acts.where(or_(ended, for_another, unseen)).order_by(act.id)):
        words = f"was done for somebody (act {found.id}) without a consent to it at that time"
        yield Violation("no_consent", found.subject, found.subject_id, words)
    passed = (Decision.subject == "appeal") & (Decision.subject_id == act.subject_id) & (Decision.verdict == "pass")
    own = acts.join(Decision, passed & (Decision.staff_id == mandate.staff_id)).where(act.subject == "appeal")
    for found in stream(connection, own.order_by(act.id)):
        yield Violation("passed_own_act", "appeal", found.subject_id, "was passed by the officer who wrote it")
