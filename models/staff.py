"""Officers and the other staff: role, region, and what they may see."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId, one_of
from models.machine import Actor, By
from models.region import covers
from models.sealing import Sealed

STAFF_ROLES = ("village", "township", "county", "fund_holder")


class Staff(Base):
    """``account`` and ``openid`` bind the person's own WeChat; ``work_no`` is what others quote."""

    __tablename__ = "staff"
    id: Mapped[RowId]
    work_no: Mapped[str] = mapped_column(String(20), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    openid: Mapped[str] = mapped_column(String(64), index=True)
    role: Mapped[str] = mapped_column(String(12))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    name: Mapped[str] = mapped_column(Sealed("staff.name"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    state: Mapped[str] = mapped_column(String(12), default="active")
    active_from: Mapped[datetime]
    active_until: Mapped[datetime | None]

    __table_args__ = (
        one_of("role", STAFF_ROLES),
        one_of("state", ("invited", "bound", "active", "suspended", "revoked")),
    )

    @property
    def actor(self) -> Actor:
        return Actor(By(self.role), f"staff:{self.id}")

    def covers(self, region_code: str) -> bool:
        return covers(self.region_code, region_code)


def find_staff(db: Session, account: str, openid: str, now: datetime) -> Staff | None:
    """The active staff member behind this WeChat, if any."""
    staff = db.scalar(select(Staff).where(Staff.openid == openid, Staff.account == account, Staff.state == "active"))
    if staff is None or staff.active_from > now or (staff.active_until and staff.active_until <= now):
        return None
    return staff


@dataclass(frozen=True, slots=True)
class Appointment:
    work_no: str
    account: str
    openid: str
    role: str
    region_code: str
    name: str


def appoint(connection: Connection, wanted: Appointment, now: datetime) -> None:
    """An active member of staff from now on. A work number belongs to one person (UNIQUE)."""
    with Session(connection) as db:
        fields = {name: getattr(wanted, name) for name in Appointment.__slots__}
        db.add(Staff(**fields, active_from=now))
        db.flush()
