"""Keep staff members (officers and fund holders): role, region, the WeChat behind each seat, and who covers a place."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, among, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.core.prepared import Prepared
from models.core.state_machine import Actor, By
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import covers, inside, level_of, parents, township_of

# Role -> the levels of region that have a seat for it.
SEATS: dict[str, tuple[str, ...]] = {
    "village": ("village", "township"),
    "township": ("township",),
    "county": ("county",),
    "fund_holder": ("province", "city", "county"),
    # Keeps a handover point (models.goods.points), and decides nothing else.
    "keeper": ("village", "township"),
}
STAFF_ROLES = tuple(SEATS)
# In these states a seat occupies its WeChat, which can then hold no other seat.
HOLDING = ("bound", "active", "suspended")


class Staff(Base):
    """One seat. ``account`` and ``openid`` bind its holder's own WeChat; ``work_no`` is the number others quote."""

    __tablename__ = "staff"
    id: Mapped[RowId]
    work_no: Mapped[str] = mapped_column(String(20), unique=True)
    account: Mapped[str | None] = mapped_column(String(64))
    openid: Mapped[str | None] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(12))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    name: Mapped[str] = mapped_column(Encrypted("staff name"))
    id_number: Mapped[str | None] = mapped_column(Encrypted("staff ID number", Lookup("id_hash", "id_number")))
    id_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    """Keyed hash of the ID number: the person, whatever their WeChat. None of a seat that nobody has taken up, or that
    the command line made before it asked (models.staff.identity)."""
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    charity_id: Mapped[int | None] = mapped_column(ForeignKey("charities.id"))
    """The charity that a fund holder belongs to (models.organisations.charity); None for officers."""
    state: Mapped[str] = mapped_column(String(12), default="active")
    active_from: Mapped[datetime]
    active_until: Mapped[datetime | None]
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Keyed hash of the invitation's code."""
    code_expires_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("role", STAFF_ROLES),
        one_of("state", ("invited", "bound", "active", "suspended", "revoked")),
        CheckConstraint("state IN ('invited', 'revoked') OR openid IS NOT NULL", name="somebody_holds_it"),
        CheckConstraint("(role = 'fund_holder') = (charity_id IS NOT NULL)", name="fund_holder_of_a_charity"),
        Index("ix_staff_charity", "charity_id", postgresql_where=text("charity_id IS NOT NULL")),
        Index("ix_staff_seat", "role", "region_code", "state"),
        Index(
            "uq_staff_active_openid",
            "account",
            "openid",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "uq_staff_one_role",
            "account",
            "openid",
            unique=True,
            postgresql_where=text(f"state IN {HOLDING}"),
        ),
        Index("ix_staff_person", "account", "openid"),
        Index("ix_staff_state", "state", "id"),
        Index("ix_staff_active_until", "active_until"),
        Index("ix_staff_code_expires_at", "code_expires_at"),
    )

    @property
    def actor(self) -> Actor:
        return Actor(By(self.role), f"staff:{self.id}")

    def covers(self, region_code: str) -> bool:
        """Tell whether the seat covers a region: its own and all below it.

        A village officer also covers what lies in the township itself, because some residents name no village. A
        keeper covers nothing: no file of the place is theirs to read, and what lies at their point they know by that.
        """
        if self.role == "keeper":
            return False
        above = self.role == "village" and region_code == township_of(self.region_code)
        return above or covers(self.region_code, region_code)

    def is_serving(self, now: datetime) -> bool:
        """Tell whether the member is active and within the term; ``serving`` is the same as a condition."""
        begun = self.state == "active" and self.active_from <= now
        return begun and (self.active_until is None or self.active_until > now)


# A condition: the seat is held by who writes in the conversation.
SAME_WECHAT = (Conversation.account == Staff.account) & (Conversation.openid == Staff.openid)


def serving(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Build a condition on Staff: members who are active and within their terms."""
    begun = (Staff.state == literal_column("'active'")) & (Staff.active_from <= now)
    return begun & or_(Staff.active_until.is_(None), Staff.active_until > now)


def covered_by(staff: Staff, region_code: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Build ``Staff.covers`` as a condition on a column of codes."""
    if staff.role == "keeper":
        return false()
    own = inside(region_code, staff.region_code)
    return or_(own, region_code == township_of(staff.region_code)) if staff.role == "village" else own


def in_charge_of(
    staff: Staff, region_code: InstrumentedAttribute[Any], charity_id: InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    """Build a condition on a thing's region and charity: a fund holder's charity collects for it.

    What has no charity, or is read by an officer, is a matter of the region.
    """
    region = covered_by(staff, region_code)
    if staff.charity_id is None:
        return region
    return case((charity_id.is_not(None), charity_id == staff.charity_id), else_=region)


def ever_held_seat(db: Session, account: str, openid: str) -> bool:
    """Tell whether this WeChat holds or held a seat: by it alone the seat's own data and ties are found."""
    theirs = (Staff.account == account) & (Staff.openid == openid)
    return db.scalar(select(Staff.id).where(theirs).limit(1)) is not None


_held = (
    (Staff.openid == bindparam("b_openid"))
    & (Staff.account == bindparam("b_account"))
    & serving(bindparam("b_now", type_=Staff.active_from.type))
)
# Most people hold no seat, and nearly every turn asks.
_SEAT = Prepared(select(Staff.id).where(_held))
_ROLE = Prepared(
    select(
        func.coalesce(
            select(Staff.role).where(_held).scalar_subquery(),
            select(User.role).where(User.id == bindparam("b_user", type_=User.id.type)).scalar_subquery(),
        )
    )
)


def find_role(db: Session, account: str, openid: str, user_id: int | None, now: datetime) -> str | None:
    """Find the role in which this WeChat acts: that of its seat, else that in which the person is registered."""
    found = _ROLE.find(db, {"b_openid": openid, "b_account": account, "b_user": user_id, "b_now": now})
    return found[0] if found else None


def find_staff(db: Session, account: str, openid: str, now: datetime) -> Staff | None:
    """Find this WeChat's staff member who is active and within the term."""
    found = _SEAT.find(db, {"b_openid": openid, "b_account": account, "b_now": now})
    return db.get(Staff, found[0]) if found else None


def all_seats_of(db: Session, seats: Iterable[int]) -> set[int]:
    """Return every seat that the persons of these seats hold or ever held, so that a new seat makes no new person."""
    return set(spread_to_all_seats(db, dict.fromkeys(seats, "")))


def seats_of_users(db: Session, users: Collection[int]) -> set[int]:
    """Return every seat of staff that these registered people hold or held by their WeChat."""
    return all_seats_of(db, db.scalars(seats_by_wechat(users)))


def seats_by_wechat(users: Collection[int]) -> Select[int]:
    """Select the seats of the WeChats of these registered people; they may have others (``all_seats_of``)."""
    return select(Staff.id).join(Conversation, SAME_WECHAT).where(Conversation.user_id.in_(users))


def spread_to_all_seats(db: Session, *whys: Mapping[int, str]) -> dict[int, str]:
    """Extend statements about seats (staff id -> why) to every seat of the same persons; the last is the strongest."""
    same = seats_of_same_person(db, {seat for why in whys for seat in why})
    found: dict[int, str] = {}
    for why in whys:
        found |= {seat: reason for known, reason in why.items() for seat in same[known]} | {**why}
    return found


def seats_of_same_person(db: Session, seats: Collection[int]) -> dict[int, set[int]]:
    """Map each of these seats to all that its person holds or ever held, itself among them."""
    found = {seat: {seat} for seat in seats}
    if not found:
        return {}
    other = aliased(Staff)
    same_wechat = (other.account == Staff.account) & (other.openid == Staff.openid)
    same_number = other.id_hash == Staff.id_hash
    # Put together after they were read, as each has an index of its own.
    each = [
        select(Staff.id, other.id).join(other, same).where(among(Staff.id, found))
        for same in (same_wechat, same_number)
    ]
    for known, seat in db.execute(union_all(*each)):
        found[known].add(seat)
    return found


def seats_covering(region_code: str, role: str) -> ColumnElement[bool]:
    """Build a condition on Staff: the seats of the role that cover the place.

    These are the seats of the place and of all regions above it; for a township also its villages' officers.
    """
    seats = [code for code in (*parents(region_code), region_code) if level_of(code) in SEATS[role]]
    if role == "village" and level_of(region_code) == "township":
        return inside(Staff.region_code, region_code)
    return Staff.region_code.in_(seats)


def seats_for(region_code: str, role: str, charity_id: int | None) -> ColumnElement[bool]:
    """Build a condition on Staff: the seats of the role for a thing of the place, or for the charity's fund holders."""
    if role == "fund_holder" and charity_id is not None:
        return Staff.charity_id == charity_id
    return seats_covering(region_code, role)


def highest_seat(db: Session, region_code: str, roles: Sequence[str]) -> str | None:
    """Return the highest of ``roles`` (lowest first) that an active member holds for the place; None where none."""
    held = or_(*((Staff.role == role) & seats_covering(region_code, role) for role in roles))
    there = set(db.scalars(select(Staff.role).where(Staff.state == "active", held).distinct()))
    return next((role for role in reversed(roles) if role in there), None)


def nearest_first(region_code: str, role: str) -> list[ColumnElement[Any]]:
    """Order seats: the place's own officer before the township's; of fund holders those whose seats cover the place,
    the county's before the province's."""
    if role == "fund_holder":
        return [seats_covering(region_code, role).desc(), Staff.region_code.desc()]
    return [(Staff.region_code == region_code).desc()]


def copy_household_to_seats(db: Session, account: str | None, openid: str | None) -> None:
    """Copy the household of this WeChat's person to each of their seats.

    So it stays known when the user account moves to another WeChat or is erased. To be called when the seat or the
    account begins, and before the account ends.
    """
    theirs = (Conversation.account == account) & (Conversation.openid == openid)
    household = db.scalar(select(User.household_id).join(Conversation, Conversation.user_id == User.id).where(theirs))
    if household:
        seats = (Staff.account == account) & (Staff.openid == openid)
        db.execute(update(Staff).where(seats).values(household_id=household))


def find_household(db: Session, hashes: Sequence[str]) -> int | None:
    """Return the household of whoever is registered with this ID number (``hashes``); None of nobody."""
    return db.scalar(select(User.household_id).where(User.id_hash.in_(hashes)))


def notify_staff(
    db: Session,
    staff: Staff,
    template: str,
    facts: dict[str, Any],
    key: str,
    now: datetime,
    about: tuple[str, int] | None = None,
) -> None:
    """Notify the seat's holder; nothing happens where the seat's WeChat has no conversation."""
    theirs = (Conversation.account == staff.account) & (Conversation.openid == staff.openid)
    person = db.scalar(select(Conversation.id).where(theirs))
    if person:
        notify(db, person, template, facts, f"{key}:{staff.id}", now, about)


@dataclass(frozen=True, slots=True)
class Appointment:
    work_no: str
    account: str
    openid: str
    role: str
    region_code: str
    name: str
    id_number: str
    """Checked by the caller."""
    charity_id: int | None = None
    """A fund holder's charity."""


class AlreadyAppointed(ValueError):
    """The work number, the WeChat or the person belongs to another seat, whose number, role and region are named."""

    def __init__(self, seat: Staff) -> None:
        super().__init__(f"{seat.work_no} is {seat.role} of {seat.region_code} already")


def appoint(connection: Connection, wanted: Appointment, now: datetime) -> None:
    """Create an active seat, from the command line.

    Raises AlreadyAppointed: one seat per WeChat, work number and person, whichever WeChat they write from.
    """
    with Session(connection) as db:
        hashes = keyring().lookup_hashes(wanted.id_number, "id_number")
        same_wechat = (Staff.account == wanted.account) & (Staff.openid == wanted.openid)
        same_person = or_(same_wechat, Staff.id_hash.in_(hashes)) & Staff.state.in_(HOLDING)
        taken = db.scalar(select(Staff).where((Staff.work_no == wanted.work_no) | same_person).limit(1))
        if taken:
            raise AlreadyAppointed(taken)
        fields = {name: getattr(wanted, name) for name in Appointment.__slots__}
        household = find_household(db, hashes)
        staff = Staff(**fields, id_hash=hashes[0], household_id=household, active_from=now)
        db.add(staff)
        db.flush()
        copy_household_to_seats(db, staff.account, staff.openid)
        record(db, at=now, actor="system", action="appointed", subject="staff", subject_id=staff.id, detail=wanted.role)
        db.flush()
