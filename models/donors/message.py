"""The table of messages that a donor sends to the family with a gift; only an officer and then the family read one."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, By, Machine
from models.core.subject import Subject
from models.staff.decision import end_review
from models.staff.task import Matter

LONGEST = 100
SUBJECT = "message"
# A gift has at most one message in these states; after any other the donor may write a new one.
STANDING = ("submitted", "passed", "reported")

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})
_OWNER = frozenset({By.OWNER})

MACHINE = Machine(
    SUBJECT,
    {
        ("submitted", "passed"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # The donor withdraws it, or the gift is refunded or expires.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # The family reports it: an officer above the one who passed it decides once more.
        ("passed", "reported"): _OWNER,
        ("reported", "passed"): _ABOVE,
        ("reported", "returned"): _ABOVE,
        # The donor is erased.
        ("passed", "withdrawn"): _OWNER,
        ("reported", "withdrawn"): _OWNER,
    },
)


class NoSuchMessage(Refusal):
    """The message does not exist, or this person may not see it: the words are the same."""

    code = "no_such_message"


class GiftMessage(Base):
    """A message. ``words`` are encrypted, and empty once donor or family is erased.

    ``reported_at``: when the family reported it, at most once. A gift has at most one in a STANDING state. The gift
    gives the sender: the donor's display name, or none for an anonymous gift.
    """

    __tablename__ = "gift_messages"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    words: Mapped[str] = mapped_column(Encrypted("gift message words"))
    state: Mapped[str] = mapped_column(String(10), default="submitted", server_default="submitted")
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        Index(
            "uq_gift_messages_one",
            "pledge_id",
            unique=True,
            postgresql_where=text(f"state IN {STANDING}"),
        ),
        Index(
            "ix_gift_messages_read",
            "appeal_id",
            "id",
            postgresql_where=text("state = 'passed'"),
        ),
    )

    @property
    def round(self) -> int:
        """The review's round: 1, or 2 once the family has reported it."""
        return 1 if self.reported_at is None else 2


MESSAGE = Subject(SUBJECT, GiftMessage, MACHINE, begins=("submitted",), parent=APPEAL, parent_id=GiftMessage.appeal_id)


def matter_of(message: GiftMessage, region_code: str, household_id: int) -> Matter:
    return Matter(SUBJECT, message.id, region_code, household_id)


def current_message(db: Session, pledge_id: int) -> GiftMessage | None:
    """Find the gift's message in a STANDING state."""
    return db.scalar(select(GiftMessage).where(GiftMessage.pledge_id == pledge_id, GiftMessage.state.in_(STANDING)))


def withdraw_unread(db: Session, pledge_id: int, state: str, now: datetime) -> None:
    """Withdraw the unread message of a gift that is refunded or was never paid. Runs in the caller's transaction."""
    waits = (GiftMessage.pledge_id == pledge_id) & (GiftMessage.state == "submitted")
    # Locked, because an officer may be passing it at this moment; then it stays.
    message = db.scalar(select(GiftMessage).where(waits).with_for_update().execution_options(populate_existing=True))
    if message is not None:
        end_review(db, MACHINE, message, "withdrawn", SYSTEM, now, detail=state)
