"""Read from the database what ties the people who reported a thing, and who of them still counts.

The ties are those of docs/reports.md. Nothing here is ever shown.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, func, or_, select, union_all
from sqlalchemy.orm import Session

from models.people.conversation import Conversation
from models.people.erased_phone import erased_before, hashes_of
from models.people.former_homes import homes_before
from models.people.user import User
from models.proxy.mandate import Mandate
from models.staff.conflict_of_interest import Conflict
from models.staff.member import SAME_WECHAT, Staff
from models.support.circles import Reporter, count_circles
from models.support.inquiry import Inquiry, Report
from models.verification.case import Verification

# After so many reports that were not upheld, a person's further ones are read, but bring nothing about by themselves.
MOST_NOT_UPHELD = 3


@dataclass(frozen=True, slots=True)
class Weight:
    """How many circles reported a thing, and how many of verified people where a village counts as one."""

    circles: int
    verified: int


def weigh(db: Session, inquiry: Inquiry, now: datetime) -> Weight:
    """Weigh the reports of an inquiry, without those of discredited people."""
    theirs = select(Conversation, User).outerjoin(User, User.id == Conversation.user_id)
    theirs = theirs.join(Report, Report.conversation_id == Conversation.id).where(Report.inquiry_id == inquiry.id)
    rows = [(conversation, user) for conversation, user in db.execute(theirs)]
    discredited = _discredited(db, [conversation.id for conversation, _ in rows])
    rows = [(conversation, user) for conversation, user in rows if conversation.id not in discredited]
    users = {user.id: user for _, user in rows if user}
    ties = _ties(db, users)
    verified = _verified(db, users, now)
    everybody = [_reporter(conversation, user, ties) for conversation, user in rows]
    before = homes_before(db, verified)
    known = [
        _reporter(conversation, user, ties, village=True, before=before.get(user.id, ()))
        for conversation, user in rows
        if user and user.id in verified
    ]
    return Weight(count_circles(everybody), count_circles(known))


def is_discredited(db: Session, conversation_id: int) -> bool:
    """Tell whether MOST_NOT_UPHELD reports of this person, from any WeChat of theirs, were not upheld."""
    return conversation_id in _discredited(db, [conversation_id])


def _discredited(db: Session, conversations: Collection[int]) -> set[int]:
    """Return those of the conversations whose person reported too much that was not upheld."""
    rows = db.execute(select(Conversation.id, Conversation.user_id).where(Conversation.id.in_(conversations)))
    person = {row.id: row.user_id for row in rows}
    users = {user_id for user_id in person.values() if user_id is not None}
    before = erased_before(db, conversations)
    here = [*person, *(each for some in before.values() for each in some)]
    theirs = or_(Conversation.id.in_(here), Conversation.user_id.in_(users))
    found = (
        select(Conversation.id, Conversation.user_id, func.count().label("many"))
        .join(Report, Report.conversation_id == Conversation.id)
        .join(Inquiry, Inquiry.id == Report.inquiry_id)
        .where(theirs, Inquiry.state == "not_upheld")
        .group_by(Conversation.id, Conversation.user_id)
    )
    counts: Counter[tuple[str, int]] = Counter()
    for row in db.execute(found):
        counts["user", row.user_id] += row.many if row.user_id is not None else 0
        counts["conversation", row.id] += row.many
    keys = {number: ("conversation", number) if user is None else ("user", user) for number, user in person.items()}
    for number, erased in before.items():
        counts[keys[number]] += sum(counts["conversation", each] for each in erased)
    return {number for number, key in keys.items() if counts[key] >= MOST_NOT_UPHELD}


def _verified(db: Session, users: Collection[int], now: datetime) -> set[int]:
    valid = (Verification.state == "verified") & (Verification.expires_at > now)
    return set(db.scalars(select(Verification.user_id).where(valid, Verification.user_id.in_(users))))


def _reporter(
    conversation: Conversation,
    user: User | None,
    ties: dict[int, set[Hashable]],
    *,
    village: bool = False,
    before: Collection[str] = (),
) -> Reporter:
    """``before``: the codes of the person's former homes, which count with ``village``."""
    # Several people of one phone (models.people.shared_phone) may be one, who switches.
    openid = conversation.parked_openid or conversation.openid
    # So may be who reported, was erased, and came back with the same WeChat.
    hashes = [conversation.erased_phone] if conversation.erased_phone else hashes_of(conversation.account, openid)
    wechat: set[Hashable] = {("wechat", each) for each in hashes}
    if user is None:
        return Reporter(frozenset(wechat), (conversation.created_at,))
    marks = {("user", user.id), *wechat, *ties[user.id]}
    if village:
        # Who moved since is of both villages: otherwise a move would make one circle two.
        marks |= {("village", code) for code in (user.region_code, *before) if code}
    return Reporter(frozenset(marks), (conversation.created_at, user.created_at))


def _ties(db: Session, users: dict[int, User]) -> dict[int, set[Hashable]]:
    """User -> marks: household, phone, and the officers who registered them, act for them or declared them their kin,
    or who they are themselves."""
    marks: dict[int, set[Hashable]] = defaultdict(set)
    for user in users.values():
        own = {"household": user.household_id, "phone": user.phone_hash, "officer": user.registered_by}
        marks[user.id] |= {(kind, value) for kind, value in own.items() if value is not None}
    kin = (Conflict.id_hash == User.id_hash) & Conflict.withdrawn_at.is_(None)
    tied: CompoundSelect[Any] = union_all(
        select(Mandate.user_id, Mandate.staff_id).where(Mandate.user_id.in_(users)),
        select(Conversation.user_id, Staff.id).join(Staff, SAME_WECHAT).where(Conversation.user_id.in_(users)),
        select(User.id, Conflict.staff_id).join(Conflict, kin).where(User.id.in_(users)),
    )
    for user_id, staff_id in db.execute(tied):
        marks[user_id].add(("officer", staff_id))
    return marks
