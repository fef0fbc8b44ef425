"""Erase a person: every room forgets them (models.rights.erasure.rooms), page by page; the sums of money stay.

running → done      a worker that is killed between two pages leaves the rest to the next
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.batch_run import lock_run
from models.core.leaver import Leaver
from models.people.conversation import Conversation
from models.rights.erasure.rooms import AT_ONCE, ROOMS
from models.rights.request import RightsRequest, end_change

# Who wanted it: the person in the chat; WeChat, to which the person said so; two of the staff; a restored backup.
CAUSES = ("person", "wechat", "staff", "replay")
# Why two of the staff did: it was asked for on paper, the person has died, an authority ordered it, it was a mistake.
REASONS = ("on_paper", "died", "authority", "mistake")
# A page for each room, and some more.
IN_TURN = 30
_RUNNING = text("state = 'running'")


class Erasure(Base):
    """One person's erasure. ``room``: which forgets now; ``cursor``: the last id of its page before.

    ``reason``, ``first_staff``, ``second_staff``: of one that two of the staff answer for.
    ``request_id``: the person's request, if they asked in the chat. Without ``user_id``: who never registered.
    """

    __tablename__ = "erasures"
    id: Mapped[RowId]
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("rights_requests.id"), unique=True)
    cause: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(8), default="running")
    room: Mapped[str] = mapped_column(String(20))
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str | None] = mapped_column(String(12))
    first_staff: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    second_staff: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    begun_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("cause", CAUSES),
        one_of("reason", REASONS),
        CheckConstraint(
            "(first_staff IS NULL) = (second_staff IS NULL) AND first_staff <> second_staff", name="two_signed"
        ),
        one_of("state", ("running", "done")),
        CheckConstraint("conversation_id IS NOT NULL OR user_id IS NOT NULL", name="of_somebody"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_is_dated"),
        Index("ix_erasures_running", "id", postgresql_where=_RUNNING),
    )


def begin_erasure(
    db: Session,
    conversation_id: int | None,
    user_id: int | None,
    cause: str,
    now: datetime,
    request: RightsRequest | None = None,
) -> tuple[Erasure, list[int]]:
    """Begin it, and do at once what makes the person unknown. The caller holds the lock of the conversation.

    Returns it with the ids of photos whose files are to be deleted. One that is running is gone on with.
    """
    erasure = order_erasure(db, conversation_id, user_id, cause, now, request)
    return erasure, _forget_at_once(db, erasure, now)


def order_erasure(
    db: Session,
    conversation_id: int | None,
    user_id: int | None,
    cause: str,
    now: datetime,
    request: RightsRequest | None = None,
) -> Erasure:
    """Record that the person is to be erased, and forget nothing yet: the worker does, whatever fails meanwhile.

    One that is running is the same. The caller holds the lock of the conversation.
    """
    of = ((Erasure.conversation_id, conversation_id), (Erasure.user_id, user_id))
    theirs = or_(*(column == number for column, number in of if number))
    erasure = db.scalar(select(Erasure).where(theirs, Erasure.state == "running").with_for_update())
    if erasure is None:
        erasure = Erasure(
            conversation_id=conversation_id,
            user_id=user_id,
            request_id=request.id if request else None,
            cause=cause,
            room=next(iter(ROOMS)),
            begun_at=now,
        )
        db.add(erasure)
        db.flush()
        record(db, at=now, actor="system", action="begun", subject="erasure", subject_id=erasure.id, detail=cause)
    return erasure


def forget_page(db: Session, number: int, now: datetime) -> tuple[list[int], bool] | None:
    """Let a room forget one page. Returns the ids of photos whose files are to be deleted, and whether all is done.

    None where it is done, or another worker is at it. Until the person is unknown, it holds their conversation, so that
    no word of theirs comes between.
    """
    known = select(Erasure.conversation_id).where(Erasure.id == number, Erasure.room.in_(AT_ONCE)).scalar_subquery()
    db.scalar(select(Conversation.id).where(Conversation.id == known).with_for_update())
    erasure = lock_run(db, Erasure, number, "running")
    if erasure is None:
        return None
    files = _forget_at_once(db, erasure, now) if erasure.room in AT_ONCE else _forget_page(db, erasure, now)
    return files, erasure.state == "done"


def _forget_at_once(db: Session, erasure: Erasure, now: datetime) -> list[int]:
    files: list[int] = []
    while erasure.state == "running" and erasure.room in AT_ONCE:
        files += _forget_page(db, erasure, now)
    return files


def erase_in_turn(db: Session, conversation_id: int, now: datetime) -> tuple[list[int], int | None]:
    """Erase whom WeChat tells to be gone, as far as a turn has time for.

    Returns the ids of photos whose files are to be deleted, and the erasure's, where a job has to go on with it.
    """
    conversation = db.get(Conversation, conversation_id)
    if conversation is None:
        return [], None
    erasure, files = begin_erasure(db, conversation_id, conversation.user_id, "wechat", now)
    for _ in range(IN_TURN):
        if erasure.state == "done":
            return files, None
        files += _forget_page(db, erasure, now)
    return files, erasure.id


def running_erasures(db: Session, most: int) -> list[int]:
    """List erasures that are not done, for the sweep to enqueue."""
    return list(db.scalars(select(Erasure.id).where(Erasure.state == "running").order_by(Erasure.id).limit(most)))


def _forget_page(db: Session, erasure: Erasure, now: datetime) -> list[int]:
    leaver = Leaver(erasure.id, erasure.conversation_id, erasure.user_id, now)
    after = ROOMS[erasure.room](db, leaver, erasure.cursor)
    if after is not None:
        erasure.cursor = after
    else:
        _next_room(db, erasure, now)
    db.flush()
    return leaver.files


def _next_room(db: Session, erasure: Erasure, now: datetime) -> None:
    rooms = list(ROOMS)
    left = rooms[rooms.index(erasure.room) + 1 :]
    if left:
        erasure.room, erasure.cursor = left[0], 0
        return
    erasure.state, erasure.done_at = "done", now
    record(db, at=now, actor="system", action="done", subject="erasure", subject_id=erasure.id)
    request = db.get(RightsRequest, erasure.request_id) if erasure.request_id else None
    if request:
        end_change(db, request, now, made=True)
