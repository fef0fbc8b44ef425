"""Requests on one's own data: 导出, a copy of everything that is known about the person; a change; 注销, to be erased.

waiting → ready → gone      a copy: after WAITS, for whoever could not prove who they are; else ready at once, for
                            READY_LASTS
waiting → done              a change, or a consent that is withdrawn
cooling → erasing → done    to be erased (models.rights.erasure.request); from ``erasing`` on, nothing stops it
waiting, cooling → stopped  any message of the person's stops it
"""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, exists, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import AuditEvent, record
from models.core.base import Base, RowId, one_of
from models.core.calendar import start_of_day
from models.core.encryption import Encrypted
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.erased_phone import conversations_of_phone

KINDS = ("export", "phone", "payee", "home", "consent", "erasure")
STATES = ("waiting", "ready", "cooling", "erasing", "done", "stopped", "gone")
WAITS = timedelta(hours=24)
READY_LASTS = timedelta(hours=1)
# What a person can have recorded in the permanent trail: so many requests a day, and openings of each copy.
MOST_A_DAY = 5
MOST_OPENINGS = 30
# A message of the person's stops it.
_STOPPABLE = ("waiting", "cooling")
LIVE = (*_STOPPABLE, "ready")
_ENDED = ("done", "stopped", "gone")
_IS_LIVE = text("state IN ('waiting', 'ready', 'cooling', 'erasing')")
_BATCH = 500
_SUBJECT = "rights_request"
# The action in the trail of a request that WeChat's revocation made.
_REVOKED = "revoked"

# Arguments: the request's id and state. Called when a request is stopped, to undo what it did while it waited.
on_stopped: Hook[[Session, int, str, datetime], None] = Hook("rights.request.on_stopped")

MACHINE = Machine(
    _SUBJECT,
    {
        ("waiting", "ready"): frozenset({By.SYSTEM}),
        ("waiting", "done"): frozenset({By.SYSTEM}),
        ("waiting", "stopped"): frozenset({By.OWNER, By.SYSTEM}),
        ("ready", "gone"): frozenset({By.SYSTEM}),
        ("cooling", "stopped"): frozenset({By.OWNER, By.SYSTEM}),
        ("cooling", "erasing"): frozenset({By.SYSTEM}),
        ("erasing", "done"): frozenset({By.SYSTEM}),
    },
    then={"stopped": on_stopped},
)


class AskedTooOften(Refusal):
    """The person asked ``most`` times today for this ``kind``."""

    code = "asked_too_often"
    final = True


class RightsRequest(Base):
    """A person's request, at most one of a kind at a time. ``until``: when the present state ends by the clock.

    It belongs to the conversation, since who never registered may ask, too. ``wish``: what is to be changed, as its
    kind writes it (of a phone: the new number); None for a copy, and again once the request has ended. It is read when
    it is needed: a damaged one hinders nobody to stop the request, nor anybody else's.
    """

    __tablename__ = "rights_requests"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    asked_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    wish: Mapped[str | None] = mapped_column(Encrypted("rights request wish"), deferred=True)

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", STATES),
        CheckConstraint("(state IN ('done', 'stopped', 'gone')) = (ended_at IS NOT NULL)", name="ended_is_dated"),
        Index("uq_rights_requests_live", "conversation_id", "kind", unique=True, postgresql_where=_IS_LIVE),
        Index("ix_rights_requests_due", "until", postgresql_where=_IS_LIVE),
    )

    @property
    def is_proved(self) -> bool:
        """Tell of a copy that is ready whether who asked had proved who they are, and so did not wait for it."""
        return self.until - self.asked_at <= READY_LASTS


# Whoever asked: a user, or None while they are not registered.
_OWNER = select(Conversation.user_id).where(Conversation.id == RightsRequest.conversation_id).scalar_subquery()
RIGHTS_REQUEST = Subject(_SUBJECT, RightsRequest, MACHINE, begins=LIVE, owner=_OWNER)


def ready_export(db: Session, conversation_id: int, now: datetime) -> RightsRequest | None:
    """Find the person's copy that can be opened now."""
    theirs = (RightsRequest.conversation_id == conversation_id) & (RightsRequest.kind == "export")
    ready = theirs & (RightsRequest.state == "ready") & (RightsRequest.until > now)
    return db.scalar(select(RightsRequest).where(ready))


def check_may_ask(db: Session, conversation_id: int, now: datetime, kind: str = "export") -> None:
    """Raises AskedTooOften."""
    if asked_today(db, conversation_id, now, kind) >= MOST_A_DAY:
        raise AskedTooOften(most=MOST_A_DAY, kind=kind)


def asked_today(db: Session, conversation_id: int, now: datetime, kind: str, *, by_wechat: bool = False) -> int:
    """Count the requests of today from this phone; those that WeChat's revocations made are counted by themselves."""
    here = RightsRequest.conversation_id.in_(conversations_of_phone(db, conversation_id))
    today = here & (RightsRequest.asked_at >= start_of_day(now)) & (RightsRequest.kind == kind)
    its_own = (AuditEvent.subject == _SUBJECT) & (AuditEvent.subject_id == RightsRequest.id)
    revoked = exists().where(its_own, AuditEvent.action == _REVOKED)
    return db.scalar(select(func.count()).where(today, revoked if by_wechat else ~revoked)) or 0


def ask_for_export(db: Session, conversation_id: int, now: datetime, *, proved: bool) -> RightsRequest:
    """Ask for a copy: ready at once for whoever proved who they are, else after WAITS. An earlier request ends.

    The caller holds the conversation's lock. Raises AskedTooOften.
    """
    state, lasts = ("ready", READY_LASTS) if proved else ("waiting", WAITS)
    return ask(db, conversation_id, "export", state, lasts, now)


def ask_to_change(
    db: Session, conversation_id: int, kind: str, wish: str, lasts: timedelta, now: datetime
) -> RightsRequest:
    """Ask for a change that is made after ``lasts``, in which any message stops it. ``wish``: what is to be changed.

    The caller holds the conversation's lock. Raises AskedTooOften.
    """
    request = ask(db, conversation_id, kind, "waiting", lasts, now)
    request.wish = wish
    db.flush()
    return request


def ask(db: Session, conversation_id: int, kind: str, state: str, lasts: timedelta, now: datetime) -> RightsRequest:
    """Make a request in this state, for this long; an earlier one of its kind ends. Raises AskedTooOften."""
    check_may_ask(db, conversation_id, now, kind)
    return begin_request(db, conversation_id, kind, state, lasts, now)


def begin_request(
    db: Session,
    conversation_id: int,
    kind: str,
    state: str,
    lasts: timedelta,
    now: datetime,
    *,
    by_wechat: bool = False,
) -> RightsRequest:
    """Make a request, however many there were today; an earlier one of its kind ends. ``by_wechat``: its event did."""
    end_requests(db, conversation_id, now, kind)
    request = RightsRequest(conversation_id=conversation_id, kind=kind, state=state, asked_at=now, until=now + lasts)
    db.add(request)
    db.flush()
    action = _REVOKED if by_wechat else "asked"
    _note(db, request, _owner(conversation_id).name, action, state if kind == "export" else kind, now)
    return request


def stop_waiting(db: Session, conversation_id: int, now: datetime) -> list[str]:
    """Stop all that waits because its person wrote, and return the kinds. Locks the requests.

    There may be two: WeChat's events are no message of the person's, and one may have made a request of its own.
    """
    theirs = (RightsRequest.conversation_id == conversation_id) & RightsRequest.state.in_(_STOPPABLE)
    found = db.scalars(select(RightsRequest).where(theirs).order_by(RightsRequest.id).with_for_update()).all()
    for request in found:
        _move(db, request, "stopped", _owner(conversation_id), now)
    db.flush()
    return [request.kind for request in found]


def end_requests(db: Session, conversation_id: int, now: datetime, kind: str | None = None) -> list[str]:
    """End what waits or is ready, when the person asks anew (``kind``) or is erased. Returns the kinds that waited."""
    theirs = (RightsRequest.conversation_id == conversation_id) & RightsRequest.state.in_(LIVE)
    if kind:
        theirs &= RightsRequest.kind == kind
    found = db.scalars(select(RightsRequest).where(theirs).order_by(RightsRequest.id).with_for_update()).all()
    waited = [request for request in found if request.state in _STOPPABLE]
    for request in found:
        _move(db, request, "stopped" if request in waited else "gone", SYSTEM, now)
    db.flush()
    return [request.kind for request in waited]


def make_ready(db: Session, now: datetime) -> int:
    """Make ready what has waited long enough, and notify the people. Returns how many."""
    found = lock_due(db, "waiting", now, "export")
    for request in found:
        _move(db, request, "ready", SYSTEM, now)
        request.until = now + READY_LASTS
        facts = {"number": request.id, "until": request.until.isoformat()}
        key = f"export_ready:{request.id}"
        notify(db, request.conversation_id, "export_ready", facts, key, now, (_SUBJECT, request.id))
    db.flush()
    return len(found)


def end_ready(db: Session, now: datetime) -> int:
    """Let go what was ready for as long as it may be. Returns how many."""
    found = lock_due(db, "ready", now, "export")
    for request in found:
        _move(db, request, "gone", SYSTEM, now)
    db.flush()
    return len(found)


def find_openable(db: Session, number: int, now: datetime) -> RightsRequest | None:
    """Find a copy whose page may be shown now; None where its time is over. Whose it is, the page asks WeChat."""
    request = db.get(RightsRequest, number)
    return request if request and request.state == "ready" and request.until > now else None


def record_opening(db: Session, request: RightsRequest, what: str, now: datetime) -> bool:
    """Record in the trail that the copy was opened; ``what``: page or file. False once it was opened too often."""
    opened = (AuditEvent.subject == _SUBJECT) & (AuditEvent.subject_id == request.id) & (AuditEvent.action == "opened")
    if (db.scalar(select(func.count()).where(opened)) or 0) >= MOST_OPENINGS:
        return False
    _note(db, request, _owner(request.conversation_id).name, "opened", what, now)
    return True


def end_change(db: Session, request: RightsRequest, now: datetime, *, made: bool) -> None:
    """End a change or an erasure: made, or stopped, because nothing can be changed any more."""
    _move(db, request, "done" if made else "stopped", SYSTEM, now)


def lock_due(db: Session, state: str, now: datetime, kind: str) -> list[RightsRequest]:
    """Find and lock the requests whose state ends by now, the oldest first; those that others hold are left alone."""
    due = select(RightsRequest).where(
        RightsRequest.kind == kind, RightsRequest.state == state, RightsRequest.until <= now
    )
    return list(db.scalars(due.order_by(RightsRequest.until).limit(_BATCH).with_for_update(skip_locked=True)))


def _move(db: Session, request: RightsRequest, to: str, actor: Actor, now: datetime) -> None:
    if to in _ENDED:
        # First, as what the move leads to may flush.
        request.ended_at, request.wish = now, None
    MACHINE.move(db, request, to, actor, now)


def _owner(conversation_id: int) -> Actor:
    return Actor(By.OWNER, f"conversation:{conversation_id}")


def _note(db: Session, request: RightsRequest, actor: str, action: str, detail: str, now: datetime) -> None:
    record(db, at=now, actor=actor, action=action, subject=_SUBJECT, subject_id=request.id, detail=detail)
