"""The table of updates and thanks that an owner writes to an appeal's donors, and the rules for sending thanks."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text, exists, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL, Appeal
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.giving.pledge import Pledge, counted

# An update on the appeal's progress (进展), and thanks (感谢).
KINDS = ("progress", "thanks")
# The least time between two thanks for one appeal, counted from the publication of the earlier one.
BETWEEN_THANKS = timedelta(days=7)

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

MACHINE = Machine(
    "update",
    {
        ("submitted", "published"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # The owner has written another one, or is erased.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # A report of it was right.
        ("published", "withdrawn"): frozenset({By.COUNTY}),
    },
)


class NobodyGave(Refusal):
    """The appeal has no counted gift yet."""

    code = "nobody_gave"
    final = True


class ThanksWait(Refusal):
    """Earlier thanks for this appeal still wait for an officer."""

    code = "thanks_wait"
    final = True


class ThankedLately(Refusal):
    """Thanks for this appeal were published less than BETWEEN_THANKS ago; the next may be sent on ``day``."""

    code = "thanked_lately"
    final = True


class Update(Base):
    """An update or thanks. ``words`` are public once published; its pictures are photos with the subject ``update``."""

    __tablename__ = "updates"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    kind: Mapped[str] = mapped_column(String(10), default="progress", server_default="progress")
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="submitted", server_default="submitted")
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", MACHINE.states),
        Index("ix_updates_appeal_id_id", "appeal_id", "id"),
        Index(
            "uq_updates_one_waiting",
            "appeal_id",
            "kind",
            unique=True,
            postgresql_where=text("state = 'submitted'"),
        ),
    )


UPDATE = Subject(
    "update",
    Update,
    MACHINE,
    begins=("submitted",),
    parent=APPEAL,
    parent_id=Update.appeal_id,
    photos=("update",),
    shown=Update.state.in_(("submitted", "published")),
)


def update_waiting(db: Session, appeal_id: int, kind: str = "progress") -> Update | None:
    """Find the appeal's update of this kind that waits for an officer; there is at most one."""
    waits = (Update.appeal_id == appeal_id) & (Update.kind == kind) & (Update.state == "submitted")
    return db.scalar(select(Update).where(waits))


def kind_of(db: Session, number: int) -> str | None:
    """Return the kind of an update, one of KINDS; None where there is no such update."""
    return db.scalar(select(Update.kind).where(Update.id == number))


def check_thanks(db: Session, appeal: Appeal, now: datetime, *, replaces: bool = False) -> None:
    """Raise NobodyGave, ThanksWait or ThankedLately. Thanks that an officer sent back do not count.

    ``replaces``: those that wait are in nobody's way.
    """
    gave = exists().where(Pledge.appeal_id == appeal.id, Pledge.state.in_(counted(db)))
    if not db.scalar(select(gave)):
        raise NobodyGave(number=appeal.id)
    if not replaces and update_waiting(db, appeal.id, "thanks"):
        raise ThanksWait(number=appeal.id)
    thanked = (Update.appeal_id == appeal.id) & (Update.kind == "thanks") & (Update.state == "published")
    last = db.scalar(select(Update.decided_at).where(thanked).order_by(Update.id.desc()).limit(1))
    if last and last + BETWEEN_THANKS > now:
        raise ThankedLately(number=appeal.id, day=last + BETWEEN_THANKS)
