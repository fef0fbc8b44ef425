"""The tables of reports (举报): an inquiry into one thing that people reported, and each person's report of it.

open → before_officer    the officer above whoever is concerned looks
open, before_officer → before_county    three different people reported it, or the matter is of a child, an illness or
                                        an officer
→ upheld / not_upheld    by decision
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, null, select, text, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.staff.task import Matter

SUBJECT = "inquiry"
# What can be reported: kinds of models.subjects. A donor's message has a way of its own (models.donors.message_inbox).
REPORTABLE = ("appeal", "case", "update", "offer", "request", "listing", "staff")
# What is wrong with it; labels: config/choices.toml, report_kind.
KINDS = ("fake", "money", "stolen", "child", "illness", "goods", "staff", "other")
LIVE = ("before_officer", "before_county")
# State -> the step of its task.
STEP_IN = {"before_officer": "inquiry", "before_county": "inquiry_county"}
UNDECIDED = ("open", *LIVE)
IS_LIVE = text(f"state IN {UNDECIDED}")

_SYSTEM = frozenset({By.SYSTEM})
_OFFICER = frozenset({By.TOWNSHIP, By.COUNTY})

MACHINE = Machine(
    SUBJECT,
    {
        ("open", "before_officer"): _SYSTEM,
        ("open", "before_county"): _SYSTEM,
        # By the number of reports or their kind; or the township found it true, and the county decides what follows.
        ("before_officer", "before_county"): _SYSTEM | {By.TOWNSHIP},
        ("before_officer", "upheld"): frozenset({By.COUNTY}),
        ("before_officer", "not_upheld"): _OFFICER,
        ("before_county", "upheld"): frozenset({By.COUNTY}),
        ("before_county", "not_upheld"): frozenset({By.COUNTY}),
    },
)


class NoSuchInquiry(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_inquiry"


class Inquiry(Base):
    """One live inquiry per reported thing (``about`` and ``about_id``, a subject of REPORTABLE).

    ``region_code``, ``household_id``: those of the thing. ``county_read_at``: when an officer of the county first
    opened it. ``held_until``: until when it holds back the payouts of the appeal, while it is not decided.
    """

    __tablename__ = "inquiries"
    id: Mapped[RowId]
    about: Mapped[str] = mapped_column(String(16))
    about_id: Mapped[int]
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"))
    """The appeal whose payouts it may hold: the reported one, or the one of the reported update."""
    state: Mapped[str] = mapped_column(String(16), default="open")
    opened_at: Mapped[datetime]
    county_read_at: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    """What was done about it (models.support.inquiry_outcome), once it is decided."""

    __table_args__ = (
        one_of("about", REPORTABLE),
        one_of("state", MACHINE.states),
        CheckConstraint(f"(decided_at IS NULL) = (state IN {UNDECIDED})", name="decided"),
        CheckConstraint("held_until IS NULL OR appeal_id IS NOT NULL", name="holds_an_appeal"),
        Index("uq_inquiries_one_live", "about", "about_id", unique=True, postgresql_where=IS_LIVE),
        Index("ix_inquiries_held", "appeal_id", postgresql_where=text("held_until IS NOT NULL")),
        Index("ix_inquiries_region_state", "region_code", "state"),
    )

    def is_holding(self, now: datetime) -> bool:
        """Tell whether it holds payouts back now."""
        return self.state in LIVE and self.held_until is not None and self.held_until > now

    @property
    def matter(self) -> Matter:
        return Matter(SUBJECT, self.id, self.region_code, self.household_id)


class Report(Base):
    """One person's report in an inquiry. ``words`` are encrypted, and empty without any or once its person is erased.

    Nobody but the person, in their own copy (导出), ever reads whose it is.
    """

    __tablename__ = "reports"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiries.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    kind: Mapped[str] = mapped_column(String(12))
    words: Mapped[str] = mapped_column(Encrypted("report words"))
    at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", KINDS),
        UniqueConstraint("inquiry_id", "conversation_id"),
        Index("ix_reports_person", "conversation_id", "at"),
    )


# No owner: whose thing is reported must not find in their access log (谁看过我) that an officer read a report.
INQUIRY = Subject(
    SUBJECT,
    Inquiry,
    MACHINE,
    begins=("open",),
    owner=null(),
    place=Inquiry.region_code,
    household=Inquiry.household_id,
)
REPORT = Subject("report", Report, parent=INQUIRY, parent_id=Report.inquiry_id, photos=("report",), shown=true())


def get_inquiry(db: Session, number: int) -> Inquiry:
    """Lock and return an inquiry, read anew. Raises NoSuchInquiry."""
    inquiry = db.get(Inquiry, number, with_for_update=True, populate_existing=True)
    if inquiry is None:
        raise NoSuchInquiry(number=number)
    return inquiry


def live_inquiry(db: Session, about: str, about_id: int, *, lock: bool = False) -> Inquiry | None:
    """Find the undecided inquiry into a thing."""
    theirs = (Inquiry.about == about) & (Inquiry.about_id == about_id) & Inquiry.state.in_(UNDECIDED)
    found = select(Inquiry).where(theirs).execution_options(populate_existing=True)
    return db.scalar(found.with_for_update() if lock else found)
