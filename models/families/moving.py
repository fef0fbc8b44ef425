"""Move people with all that is theirs from one household to another: no money moves, and everything keeps its owner.

Locks, in this order: the households from the lowest number up, their cases, their appeals, what they ask for and sell,
then the people. Whoever begins something for a household holds it first (models.people.user.lock_home).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Null, exists, func, or_, select, update
from sqlalchemy.orm import Session

from models.appeals.appeal import OPEN, Appeal, freeze
from models.appeals.beneficiary import join_beneficiaries
from models.appeals.case_outcome import open_endorsements
from models.core.audit_trail import AuditEvent, record
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.families.members import end_entry, keep_apart
from models.families.question import follow
from models.goods.exchange import WAITING, GoodsRequest
from models.goods.household import hide, open_reviews
from models.goods.matches.locks import lock_offers_first
from models.goods.matches.match import Match
from models.market.listing import Listing
from models.market.moving import move_sales
from models.market.seller import is_suspended
from models.people.conversation import Conversation
from models.people.family_member import FamilyMember
from models.people.user import Household, User
from models.staff.member import SAME_WECHAT, Staff
from models.staff.task import Task
from models.subjects import SUBJECTS, records_of
from models.verification.case import Verification, is_verified


class HouseholdSuspended(Refusal):
    """A case of one of the households is suspended, or one may not sell, on which the county decides first."""

    code = "household_suspended"


def lock_households(db: Session, numbers: Collection[int]) -> list[Household]:
    """Lock and return households, the lowest number first; other rows may still refer to them."""
    found = select(Household).where(Household.id.in_(numbers)).order_by(Household.id)
    held = found.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(db.scalars(held))


def move(
    db: Session, people: Collection[int], source: Household, target: Household, actor: Actor, now: datetime
) -> list[Appeal]:
    """Move these users, whom they named and all that is theirs. The caller has locked both households.

    Of two open appeals of a category the newer is frozen, until the county lets it go on or ends it; returns those.
    Raises HouseholdSuspended.
    """
    if source.id == target.id:
        raise ValueError("a household cannot be moved into itself")
    _lock_all(db, (source.id, target.id))
    newer = _stand_beside(db, people, source.id, target.id)
    _stand_requests_beside(db, people, source.id, target.id)
    _count_as(db, people)
    for subject in _held_by_people():
        _move_rows(db, subject.table, subject.owner.in_(people), source.id, target.id)
    _move_seats(db, people, source.id, target.id)
    db.execute(update(User).where(User.id.in_(people)).values(household_id=target.id))
    named = (FamilyMember.household_id == source.id) & FamilyMember.named_by.in_(people)
    _join_members(db, named, target.id, actor, now)
    if db.scalar(select(User.id).where(User.household_id == source.id).limit(1)) is None:
        source.merged_into = target.id
    source.changed_at = target.changed_at = now
    db.flush()
    move_sales(db, source.id, target.id, now, joined=source.merged_into is not None)
    if source.merged_into is not None:
        join_beneficiaries(db, source.id, target.id)
    _move_the_rest(db, source.id, target.id)
    db.expire_all()
    return _after(db, newer, source, target, actor, now)


def _lock_all(db: Session, both: tuple[int, int]) -> None:
    """Raises HouseholdSuspended."""
    for table, order in ((Verification, Verification.id.desc()), (Appeal, Appeal.id)):
        theirs: Any = select(table).where(table.household_id.in_(both)).order_by(order)
        held = db.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all()
        if table is Verification and any(case.state == "suspended" for case in held):
            raise HouseholdSuspended
    # Of both at once: whoever locks offers takes the lowest number first.
    lock_offers_first(db, Match.household_id.in_(both))
    for goods in (GoodsRequest, Listing):
        asked: Any = select(goods.id).where(goods.household_id.in_(both)).order_by(goods.id)
        db.execute(asked.with_for_update())
    if any(is_suspended(db, number) for number in both):
        raise HouseholdSuspended
    db.execute(select(User.id).where(User.household_id.in_(both)).order_by(User.id).with_for_update())


def _held_by_people() -> list[Any]:
    """List the kinds of things that keep the household of their owner in a column of their own."""
    held = [each for each in SUBJECTS.values() if hasattr(each.table, "household_id") and each.owner is not None]
    return [each for each in held if not isinstance(each.owner, Null)]


def _move_rows(db: Session, table: Any, theirs: ColumnElement[bool], source: int, target: int) -> None:
    rows = update(table).where(table.household_id == source, theirs).values(household_id=target)
    db.execute(rows.execution_options(synchronize_session=False))


def _stand_beside(db: Session, people: Collection[int], source: int, target: int) -> list[Appeal]:
    """Of the open appeals that will be of one household and category, let the newer stand beside; return those."""
    open_ones = Appeal.state.in_(OPEN) & (Appeal.beside == 0)
    joint = _joint(Appeal, Appeal.owner_id.in_(people), source, target)
    oldest: dict[str, Appeal] = {}
    newer = []
    for appeal in db.scalars(select(Appeal).where(open_ones, joint).order_by(Appeal.id)):
        if oldest.setdefault(appeal.category, appeal) is not appeal:
            appeal.beside = appeal.id
            newer.append(appeal)
    db.flush()
    return newer


def _stand_requests_beside(db: Session, people: Collection[int], source: int, target: int) -> None:
    """Let the newer of two requests of a sort that wait stand beside the older: neither is given up."""
    waiting = GoodsRequest.state.in_(WAITING) & (GoodsRequest.beside == 0)
    joint = _joint(GoodsRequest, GoodsRequest.owner_id.in_(people), source, target)
    seen = set()
    for request in db.scalars(select(GoodsRequest).where(waiting, joint).order_by(GoodsRequest.id)):
        need = (request.category, request.sort or request.item)
        if need in seen:
            request.beside = request.id
        seen.add(need)
    db.flush()


def _joint(table: Any, theirs: ColumnElement[bool], source: int, target: int) -> ColumnElement[bool]:
    """Build the condition that a thing will be of the joint household: of who moves there, or there already."""
    return or_(theirs & (table.household_id == source), table.household_id == target)


def _count_as(db: Session, people: Collection[int]) -> None:
    """Keep which household a verified case was counted as: public figures count it once, and go on to."""
    moved = (AuditEvent.subject == "case") & (AuditEvent.subject_id == Verification.id)
    verified = exists().where(moved, AuditEvent.to_state == "verified")
    theirs = Verification.user_id.in_(people) & Verification.counted_as.is_(None) & verified
    counted = update(Verification).where(theirs).values(counted_as=Verification.household_id)
    db.execute(counted.execution_options(synchronize_session=False))


def _move_seats(db: Session, people: Collection[int], source: int, target: int) -> None:
    """Let the seats of these people be of their new household, and of a household that ends all its seats."""
    numbers = db.scalars(select(User.id_number).where(User.id.in_(people), User.id_number.is_not(None))).all()
    hashes = [each for number in numbers if number for each in keyring().lookup_hashes(number, "id_number")]
    by_wechat = exists().where(SAME_WECHAT, Conversation.user_id.in_(people))
    stays = exists().where(User.household_id == source, User.id.not_in(people))
    theirs = or_(Staff.id_hash.in_(hashes), by_wechat, ~stays)
    seats = update(Staff).where(Staff.household_id == source, theirs).values(household_id=target)
    db.execute(seats.execution_options(synchronize_session=False))


def _join_members(db: Session, named: ColumnElement[bool], target: int, actor: Actor, now: datetime) -> None:
    """Move those who were named, and end the entries of who is registered in the household, or named there twice."""
    coming = db.scalars(select(FamilyMember).where(named).order_by(FamilyMember.id)).all()
    there = list(db.scalars(select(FamilyMember).where(FamilyMember.household_id == target).order_by(FamilyMember.id)))
    known = dict.fromkeys(db.scalars(select(User.id_number).where(User.household_id == target)), "registered")
    for member in sorted({*there, *coming}, key=lambda one: one.id):
        if member.ended or member.id_number is None:
            continue
        if member.id_number in known:
            end_entry(db, member, known[member.id_number], actor, now)
        else:
            known[member.id_number] = "double"
    for member in coming:
        member.household_id = target
    db.flush()


def _move_the_rest(db: Session, source: int, target: int) -> None:
    """Let claims, inquiries and open tasks be of the household of what they are about."""
    claims = SUBJECTS["number_claim"].table
    holder = select(User.household_id).where(User.id == claims.holder_id).scalar_subquery()
    followed = update(claims).where(claims.household_id == source).values(household_id=holder)
    db.execute(followed.execution_options(synchronize_session=False))
    inquiries = SUBJECTS["inquiry"].table
    for number, about, thing in db.execute(
        select(inquiries.id, inquiries.about, inquiries.about_id).where(inquiries.household_id == source)
    ).all():
        household = _household_of(db, about, thing, source, target)
        db.execute(update(inquiries).where(inquiries.id == number).values(household_id=household))
    for task in db.scalars(select(Task).where(Task.household_id == source, Task.closed_at.is_(None))).all():
        task.household_id = _household_of(db, task.subject, task.subject_id, source, target)
    db.flush()


def _household_of(db: Session, subject: str, number: int, source: int, target: int) -> int | None:
    found = records_of(db, subject, [number]).get(number)
    if found and found.household:
        return found.household
    # A thing without a household of its own (a seat): it goes where its people went, if they all did.
    stays = db.scalar(select(func.count()).where(User.household_id == source))
    return source if stays else target


def _after(
    db: Session, newer: Sequence[Appeal], source: Household, target: Household, actor: Actor, now: datetime
) -> list[Appeal]:
    # One that is frozen for another reason stays so. A draft is nobody's open appeal, and never stands beside an older
    # one: it is a row only within the transaction that submits it, which the household's lock lets wait for this one.
    frozen = [appeal for appeal in newer if appeal.state != "frozen"]
    for appeal in frozen:
        freeze(db, appeal, SYSTEM, now, "household_joined")
    for household in (source, target):
        if is_verified(db, household.id, now):
            open_endorsements(db, household.id, now)
            open_reviews(db, household.id, now)
        else:
            hide(db, household.id, now, "household_lapsed")
        keep_apart(db, household.id, now)
    follow(db, (source.id, target.id), now)
    detail = f"{source.id} to {target.id}"
    record(db, at=now, actor=actor.name, action="people_moved", subject="family", subject_id=target.id, detail=detail)
    db.flush()
    return frozen
