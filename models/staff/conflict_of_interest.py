"""Keep officers' conflicts of interest: their own households, kin and payees, on whom they may not decide."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, literal, or_, select, text, union_all
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, among, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.people.conversation import Conversation
from models.people.family_member import FamilyMember, households_with, named_with, numbers_of
from models.people.user import User
from models.staff.member import SAME_WECHAT, Staff, seats_of_same_person, spread_to_all_seats

KINDS = ("kin", "payee")
OWN_HOUSEHOLD = "own_household"


class Conflict(Base):
    """A conflict that a staff member declared: the other person's ID number, who may not be registered yet.

    Once that person is erased only ``id_hash`` is left, by which the officer goes on being kept from their affairs.
    """

    __tablename__ = "conflicts_of_interest"
    id: Mapped[RowId]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(8))
    id_number: Mapped[str | None] = mapped_column(Encrypted("relative ID number", Lookup("id_hash", "id_number")))
    id_hash: Mapped[str] = mapped_column(String(64), index=True)
    declared_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        Index(
            "uq_conflicts_of_interest_live",
            "staff_id",
            "kind",
            "id_hash",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )


def record_conflict(db: Session, staff: Staff, kind: str, id_number: str, now: datetime) -> list[int]:
    """Keep the conflict, once; returns the households to which the other person belongs today."""
    hashes = keyring().lookup_hashes(id_number, "id_number")
    live = (Conflict.staff_id == staff.id) & (Conflict.kind == kind) & Conflict.withdrawn_at.is_(None)
    if db.scalar(select(Conflict.id).where(live, Conflict.id_hash.in_(hashes))) is None:
        conflict = Conflict(staff_id=staff.id, kind=kind, id_number=id_number, id_hash=hashes[0], declared_at=now)
        db.add(conflict)
        db.flush()
        record(
            db,
            at=now,
            actor=staff.actor.name,
            action="conflict_declared",
            subject="conflict",
            subject_id=conflict.id,
            detail=kind,
        )
    return sorted(households_with(db, id_number))


def declared_by(db: Session, staff: Staff, after: int, most: int) -> list[Conflict]:
    """List the conflicts that this officer has declared, oldest first. ``after``: id of the last one seen."""
    live = (Conflict.staff_id == staff.id) & Conflict.withdrawn_at.is_(None) & (Conflict.id > after)
    return list(db.scalars(select(Conflict).where(live).order_by(Conflict.id).limit(most)))


def conflicts_with(db: Session, household_id: int | None, besides: Iterable[str | None] = ()) -> dict[int, str]:
    """Map staff ids to why they may not decide on this household: ``own_household``, ``kin`` or ``payee``.

    Whoever belonged to it without being registered counts too (models.people.family_member), and whoever has one of
    the ID numbers ``besides``.
    """
    return spread_to_all_seats(db, ties_with(db, household_id, besides))


def ties_with(db: Session, household_id: int | None, besides: Iterable[str | None] = ()) -> dict[int, str]:
    """Map as ``conflicts_with`` does the seats by which a conflict is known, without the same persons' other seats."""
    if household_id is None:
        return {}
    # Computed from the number, not read: after a key rotation, stored hashes of one number may differ.
    every = {*numbers_of(db, household_id), *besides}
    hashes = [each for number in every if number for each in keyring().lookup_hashes(number, "id_number")]
    declared = select(Conflict.staff_id, Conflict.kind).where(
        Conflict.id_hash.in_(hashes), Conflict.withdrawn_at.is_(None)
    )
    own = select(Staff.id, literal(OWN_HOUSEHOLD))
    members = own.where(or_(Staff.household_id == household_id, Staff.id_hash.in_(hashes)))
    as_users = own.join(Conversation, SAME_WECHAT).join(User, User.id == Conversation.user_id)
    as_users = as_users.where(User.household_id == household_id)
    rows = [(seat, why) for seat, why in db.execute(union_all(declared, members, as_users))]
    return dict(rows) | {seat: why for seat, why in rows if why == OWN_HOUSEHOLD}


def households_against(db: Session, seats: Collection[int]) -> set[int]:
    """Return the households on which the person of these seats may not decide: ``conflicts_with`` turned round."""
    return {household for against in conflicts_of(db, seats).values() for household in against}


def conflicts_of(db: Session, seats: Collection[int]) -> dict[int, set[int]]:
    """Map each of these seats to the households on which its person may not decide; as many seats as there are at once.

    It answers as ``conflicts_with`` does, in a few statements however many households there are.
    """
    if not seats:
        return {}
    same = seats_of_same_person(db, seats)
    every = {seat for others in same.values() for seat in others}
    theirs = select(Staff.id, Staff.id_number, Staff.id_hash, Staff.household_id).where(among(Staff.id, every))
    own = db.execute(theirs).all()
    live = among(Conflict.staff_id, every) & Conflict.withdrawn_at.is_(None)
    declared = db.execute(select(Conflict.staff_id, Conflict.id_number, Conflict.id_hash).where(live)).all()
    by_hash = _by_hash([*(row[:3] for row in own), *declared])
    kin = select(User.id_hash, User.household_id).where(User.id_hash.in_(by_hash), User.household_id.is_not(None))
    as_users = (
        select(Staff.id, User.household_id)
        .join(Conversation, SAME_WECHAT)
        .join(User, User.id == Conversation.user_id)
        .where(among(Staff.id, every), User.household_id.is_not(None))
    )
    found: dict[int, set[int]] = {seat: set() for seat in every}
    named = select(FamilyMember.id_hash, FamilyMember.household_id).where(named_with(by_hash))
    for hashed, household in (*db.execute(kin), *db.execute(named)):
        for seat in by_hash[str(hashed)]:
            found[seat].add(int(household or 0))
    of_seats = [(row.id, row.household_id) for row in own if row.household_id]
    for seat, household in (*of_seats, *db.execute(as_users)):
        found[seat].add(int(household or 0))
    return {seat: {household for other in same[seat] for household in found[other]} for seat in seats}


def _by_hash(numbers: Iterable[Sequence[Any]]) -> dict[str, set[int]]:
    """Map the hashes of ID numbers to the seats that they count against. ``numbers``: seat, number or None, stored hash
    or None."""
    found: dict[str, set[int]] = {}
    for seat, number, stored in numbers:
        # After a key rotation the stored hash of a number may differ; of an erased person only the hash is left.
        computed = keyring().lookup_hashes(number, "id_number") if number else []
        for each in {*computed, *([stored] if stored else [])}:
            found.setdefault(each, set()).add(seat)
    return found


def is_own(db: Session, staff: Staff, household_id: int | None) -> bool:
    """Tell whether it is the officer's own household, of which no officer may read the file."""
    return conflicts_with(db, household_id).get(staff.id) == OWN_HOUSEHOLD
