"""What a donor says to the family with a gift: an officer reads it first, and then the family and nobody else."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, By, Machine
from models.core.subject import Subject
from models.staff.desk_review import end_review
from models.staff.task import Matter

LONGEST = 100
SUBJECT = "message"
# That stand with a gift; of the others a donor may write another one.
STANDING = ("submitted", "passed", "reported")

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})
_OWNER = frozenset({By.OWNER})

MACHINE = Machine(
    SUBJECT,
    {
        ("submitted", "passed"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # Its donor takes it back, or the gift goes back.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # The family does not want to read it: somebody above the one who passed it looks once more.
        ("passed", "reported"): _OWNER,
        ("reported", "passed"): _ABOVE,
        ("reported", "returned"): _ABOVE,
        # Its donor is no longer there.
        ("passed", "withdrawn"): _OWNER,
        ("reported", "withdrawn"): _OWNER,
    },
)


class NoSuchMessage(Refusal):
    """Or it is none of this person's business: the words are the same."""

    code = "no_such_message"


class GiftMessage(Base):
    """``words`` are sealed; none once its donor or its family is erased. ``reported_at``: by the family, at most once.

    One stands with a gift (``STANDING``); who it is from, the gift says: its donor's shown name, or nobody's.
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
        """How often it came before somebody who decides."""
        return 1 if self.reported_at is None else 2


MESSAGE = Subject(SUBJECT, GiftMessage, MACHINE, begins=("submitted",), whole=APPEAL, whole_id=GiftMessage.appeal_id)


def matter_of(message: GiftMessage, region_code: str, household_id: int) -> Matter:
    return Matter(SUBJECT, message.id, region_code, household_id)


def standing_with(db: Session, pledge_id: int) -> GiftMessage | None:
    """The one that stands with this gift."""
    return db.scalar(select(GiftMessage).where(GiftMessage.pledge_id == pledge_id, GiftMessage.state.in_(STANDING)))


def let_go(db: Session, pledge_id: int, state: str, now: datetime) -> None:
    """The gift goes back, or never came: what nobody has read of it, nobody will. In the transaction that moves it."""
    waits = (GiftMessage.pledge_id == pledge_id) & (GiftMessage.state == "submitted")
    # Held: an officer may be letting it through at this moment, and then it is read.
    message = db.scalar(select(GiftMessage).where(waits).with_for_update().execution_options(populate_existing=True))
    if message is not None:
        end_review(db, MACHINE, message, "withdrawn", SYSTEM, now, detail=state)
