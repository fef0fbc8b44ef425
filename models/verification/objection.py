"""Objections: a person objects to a case while it stands on public notice, and the township decides."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record_reading
from models.core.base import Base, RowId, one_of
from models.core.calendar import day_in_china
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.people.conversation import Conversation
from models.people.shared_phone import people_of_phone
from models.people.user import User
from models.staff.member import SAME_WECHAT, Staff, notify_staff
from models.staff.task import Task, find_task, open_task, recuse
from models.staff.turn import NotYourTurn, demand_task
from models.verification.case import MACHINE, Verification
from models.verification.lifecycle import notify_owner, took_part

# States in which a case is shown on public notice, until the notice ends.
ON_NOTICE = ("public_notice", "adjudication")


class NoSuchNotice(Refusal):
    """No case of this number is on notice now. Does not reveal whether the case exists."""

    code = "no_such_notice"


class NotOnNotice(Refusal):
    """The case, in ``state``, is not on public notice; objections are taken only then."""

    code = "not_on_notice"
    final = True


class OwnNotice(Refusal):
    """The case is of the objector's own household."""

    code = "own_notice"
    final = True


class ObjectionAlreadyDecided(Refusal):
    """The township has decided on an objection from this phone; during one notice it decides on only one."""

    code = "objection_already_decided"
    final = True


class Objection(Base):
    """An objection; who made it is known to the township alone."""

    __tablename__ = "objections"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    words: Mapped[str] = mapped_column(Encrypted("objection words"))
    state: Mapped[str] = mapped_column(String(12), default="open")
    at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", ("open", "upheld", "dismissed")),
        Index(
            "uq_objections_one_open",
            "verification_id",
            "conversation_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )


def open_objections(db: Session, case_id: int) -> Sequence[Objection]:
    """List a case's undecided objections, the oldest first."""
    still = (Objection.verification_id == case_id) & (Objection.state == "open")
    return db.scalars(select(Objection).where(still).order_by(Objection.id)).all()


def demand_objections(
    db: Session, case: Verification, staff: Staff, now: datetime, *, note: bool = True
) -> Sequence[Objection]:
    """List a case's open objections (at least one) for the officer whose turn it is; ``note``: record the access.

    Raises OutsideRegion, NotYourTurn (also without an open objection) or HasConflict.
    """
    demand_task(db, staff, case.matter, case.state)
    found = open_objections(db, case.id) if case.state == "adjudication" else ()
    if not found:
        raise NotYourTurn(subject="case", number=case.id, state=case.state, holder=None)
    if note:
        record_reading(
            db,
            at=now,
            actor=staff.actor.name,
            subject="case",
            subject_id=case.id,
            purpose="objection",
        )
    return found


def record_objection(
    db: Session, case: Verification, conversation_id: int, words: str, draft_id: str, now: datetime
) -> Objection:
    """Record an objection and open its task for the township; the notice does not go on until that is decided.

    One per conversation and notice: until it is decided, a second one replaces its words. The same draft twice gives
    the same objection. Staff who object have no part in the decision. The caller holds the case. Raises OwnNotice,
    NotOnNotice or ObjectionAlreadyDecided.
    """
    earlier = db.scalar(select(Objection).where(Objection.draft_id == draft_id))
    if earlier:
        return earlier
    said = check_may_object(db, case, conversation_id, now)
    objection = said or Objection(
        draft_id=draft_id, verification_id=case.id, conversation_id=conversation_id, words=words, at=now
    )
    objection.words = words
    db.add(objection)
    db.flush()
    if case.state == "public_notice":
        MACHINE.move(db, case, "adjudication", SYSTEM, now, f"objection:{objection.id}")
        open_task(db, case.matter, "adjudicate", now, took_part(case) | _objectors(db, conversation_id), told=False)
        notify_owner(db, case, "case_moved", now)
    elif task := find_task(db, "case", case.id):
        for staff_id, reason in _objectors(db, conversation_id).items():
            recuse(db, task, db.get_one(Staff, staff_id), reason, now)
    task = find_task(db, "case", case.id)
    if task and task.assignee:
        _notify_holder(db, task, task.assignee, objection, now)
    db.flush()
    return objection


def check_may_object(db: Session, case: Verification, conversation_id: int, now: datetime) -> Objection | None:
    """Find this conversation's open objection; None without one. Raises as ``record_objection`` does."""
    theirs = select(User.household_id).join(Conversation, Conversation.user_id == User.id)
    if db.scalar(theirs.where(Conversation.id == conversation_id)) == case.household_id:
        raise OwnNotice(number=case.id)
    if case.state not in ON_NOTICE or case.notice_until is None or case.notice_until <= now:
        raise NotOnNotice(number=case.id, state=case.state)
    said = (Objection.verification_id == case.id) & (Objection.conversation_id == conversation_id)
    last = db.scalar(select(Objection).where(said).order_by(Objection.id.desc()).limit(1))
    if last and last.state == "open":
        return last
    if last and case.notice_from and last.at >= case.notice_from:
        raise ObjectionAlreadyDecided(number=case.id)
    # Several people of one phone may be one, who switches.
    here = Objection.conversation_id.in_(people_of_phone(db, conversation_id))
    decided = here & (Objection.verification_id == case.id) & (Objection.state != "open")
    if case.notice_from and db.scalar(select(Objection.id).where(decided, Objection.at >= case.notice_from).limit(1)):
        raise ObjectionAlreadyDecided(number=case.id)
    return None


def _objectors(db: Session, conversation_id: int) -> dict[int, str]:
    """Staff id -> ``objector``: staff who object from their own WeChat may not decide on the objection."""
    found = db.scalars(select(Staff.id).join(Conversation, SAME_WECHAT).where(Conversation.id == conversation_id))
    return dict.fromkeys(found, "objector")


def _notify_holder(db: Session, task: Task, holder: int, objection: Objection, now: datetime) -> None:
    """Notify the officer who decides on the case of an objection to it."""
    case = task.subject_id
    facts = {"number": case, "count": 1, "due": day_in_china(task.due_at)}
    key = f"objection_made:{objection.id}"
    notify_staff(db, db.get_one(Staff, holder), "objection_made", facts, key, now, ("case", case))
