"""A person claims the ID number with which somebody else is registered; the county decides on the picture of the card.

submitted → seen → released         two different people of the county, each of whom has opened the picture
seen → submitted                    somebody else is registered with it by now: it begins anew, before two people
submitted, seen → returned          by one of them, with a reason; nothing was changed
submitted, seen → withdrawn         the claimant takes the consent back, or is erased

Nothing happens to the holder until it is released. Nobody but the county reads a claim, and the claimant's words are
the same whether the number is registered or not.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import AuditEvent, record
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.core.leaver import Leaver
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.people.conversation import Conversation
from models.people.erased_phone import conversations_of_phone
from models.people.photo import Photo, attach_photos
from models.people.user import User, find_by_id_number
from models.places.region import county_of
from models.rights.erasure.erasure import Erasure
from models.staff.decision import end_review
from models.staff.member import SAME_WECHAT, Staff, all_seats_of
from models.staff.task import Matter, open_task
from models.staff.task_steps import STEPS

SUBJECT = "number_claim"
STEP = "number_claim"
# Two people look, each within so many days.
DAYS = 2 * STEPS[STEP][1]
LIVE = ("submitted", "seen")
RELEASED = "number_released"
# So often in so long: each is a task of the county's and a person's number in its hands.
MOST_CLAIMS = 2
IN_DAYS = timedelta(days=30)
# Who lost a number claims none for so long: they object in words (人工).
NOT_BACK_FOR = timedelta(days=365)
# The wording that is shown today, raised when it promises other things: templates/flows/rights/claim_number/consent.txt
CONSENT_VERSION = 1
# Whoever had it hears of the release first, perhaps: the number is the claimant's alone for so long.
KEPT = timedelta(days=7)
_COUNTY = frozenset({By.COUNTY})

MACHINE = Machine(
    SUBJECT,
    {
        ("submitted", "seen"): _COUNTY,
        ("seen", "released"): _COUNTY,
        ("seen", "submitted"): _COUNTY,
        **{(state, "returned"): _COUNTY for state in LIVE},
        **{(state, "withdrawn"): frozenset({By.SYSTEM, By.OWNER}) for state in LIVE},
    },
)


class HasNumber(Refusal):
    """The claimant is registered with an ID number already."""

    code = "has_number"
    final = True


class ClaimWaits(Refusal):
    """The claimant's earlier claim, ``number``, is not decided yet."""

    code = "claim_waits"
    final = True


class ClaimedTooOften(Refusal):
    """The claimant claimed ``most`` times within ``days`` days, or the county took a number from them."""

    code = "claimed_too_often"
    final = True


class NoClaimWaits(Refusal):
    """The claim was decided or withdrawn already."""

    code = "no_claim_waits"


class NumberClaim(Base):
    """``region_code``: the county that decides. ``holder_id``: who had the number when this ``round`` began, with
    ``household_id``, theirs, for conflicts of interest. ``first_staff`` passed it on.

    ``consent_version``: the wording that the claimant agreed to; None: from before it was asked.

    ``id_number`` and ``id_hash`` are empty once the claim is withdrawn or the claimant erased.
    """

    __tablename__ = "number_claims"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    id_number: Mapped[str | None] = mapped_column(Encrypted("number claim ID number", Lookup("id_hash", "id_number")))
    id_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    consent_version: Mapped[int | None] = mapped_column(SmallInteger)
    asked_at: Mapped[datetime]
    first_staff: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint("state NOT IN ('seen', 'released') OR first_staff IS NOT NULL", name="seen_by"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('submitted', 'seen'))", name="ended_is_dated"),
        Index("ix_number_claims_person", "conversation_id", "asked_at"),
        Index(
            "uq_number_claims_live",
            "conversation_id",
            unique=True,
            postgresql_where=text("state IN ('submitted', 'seen')"),
        ),
    )

    @property
    def matter(self) -> Matter:
        return Matter(SUBJECT, self.id, self.region_code, self.household_id)


# No owner: the holder must not find in their access log (谁看过我) that somebody claims their number.
CLAIM = Subject(
    SUBJECT,
    NumberClaim,
    MACHINE,
    begins=("submitted",),
    owner=null(),
    place=NumberClaim.region_code,
    household=NumberClaim.household_id,
    photos=(SUBJECT,),
)


def check_may_claim(db: Session, conversation_id: int, user_id: int | None, now: datetime) -> None:
    """Raises HasNumber, ClaimWaits or ClaimedTooOften."""
    user = db.get(User, user_id) if user_id else None
    if user and user.id_hash:
        raise HasNumber
    theirs = NumberClaim.conversation_id == conversation_id
    waits = db.scalar(select(NumberClaim.id).where(theirs, NumberClaim.state.in_(LIVE)))
    if waits:
        raise ClaimWaits(number=waits, ways=(("ask_withdraw_claim",),))
    # Whoever has WeChat erase them comes back as somebody new.
    before = conversations_of_phone(db, conversation_id)
    recent = select(func.count()).where(NumberClaim.conversation_id.in_(before), NumberClaim.asked_at > now - IN_DAYS)
    erased = db.scalars(select(Erasure.user_id).where(Erasure.conversation_id.in_(before))).all()
    if (db.scalar(recent) or 0) >= MOST_CLAIMS or _lost_one(db, [user_id, *erased], now):
        raise ClaimedTooOften(most=MOST_CLAIMS, days=IN_DAYS.days)


def claim(
    db: Session,
    conversation_id: int,
    draft_id: str,
    id_number: str,
    home: str,
    pictures: Sequence[Mapping[str, str]],
    now: datetime,
) -> tuple[NumberClaim, list[int]]:
    """Put the claim before the county where the number is registered, else that of ``home``. The same draft is one.

    Returns it with the ids of the photos to fetch. Raises as ``check_may_claim`` does.
    """
    earlier = db.scalar(select(NumberClaim).where(NumberClaim.draft_id == draft_id))
    if earlier:
        return earlier, []
    check_may_claim(db, conversation_id, db.get_one(Conversation, conversation_id).user_id, now)
    holder = find_by_id_number(db, id_number)
    made = NumberClaim(
        draft_id=draft_id,
        conversation_id=conversation_id,
        region_code=county_of((holder.region_code if holder else None) or home),
        household_id=holder.household_id if holder else None,
        holder_id=holder.id if holder else None,
        id_number=id_number,
        id_hash=keyring().lookup_hashes(id_number, "id_number")[0],
        consent_version=CONSENT_VERSION,
        asked_at=now,
    )
    db.add(made)
    db.flush()
    owed = attach_photos(db, SUBJECT, made.id, conversation_id, pictures, now)
    who = f"conversation:{conversation_id}"
    record(db, at=now, actor=who, action="asked", subject=SUBJECT, subject_id=made.id)
    open_task(db, made.matter, STEP, now, claimants_seats(db, made))
    return made, owed


def waiting_claim(db: Session, conversation_id: int) -> NumberClaim:
    """Lock and return the person's claim that is not decided yet. Raises NoClaimWaits."""
    waits = (NumberClaim.conversation_id == conversation_id) & NumberClaim.state.in_(LIVE)
    made = db.scalar(select(NumberClaim).where(waits).with_for_update())
    if made is None:
        raise NoClaimWaits
    return made


def withdraw(db: Session, made: NumberClaim, now: datetime) -> list[int]:
    """Withdraw a claim and the consent to it; return the ids of the photos whose files a job has to delete."""
    _withdraw(db, made, Actor(By.OWNER, f"conversation:{made.conversation_id}"), now)
    return _empty(db, NumberClaim.id == made.id)


def claimants_seats(db: Session, made: NumberClaim) -> dict[int, str]:
    """Map each seat of who claims, by their WeChat or by the number, to why it may not decide on the claim."""
    by_wechat = select(Staff.id).join(Conversation, SAME_WECHAT).where(Conversation.id == made.conversation_id)
    hashes = keyring().lookup_hashes(made.id_number, "id_number") if made.id_number else []
    by_number = select(Staff.id).where(Staff.id_hash.in_(hashes))
    return dict.fromkeys(all_seats_of(db, [*db.scalars(by_wechat), *db.scalars(by_number)]), "concerned")


def holder_of(db: Session, made: NumberClaim) -> User | None:
    """Find who else is registered with the number now."""
    user = find_by_id_number(db, made.id_number) if made.id_number else None
    own = db.scalar(select(Conversation.user_id).where(Conversation.id == made.conversation_id))
    return None if user is None or user.id == own else user


def kept_for_another(db: Session, id_number: str, conversation_id: int | None, now: datetime) -> bool:
    """Tell whether the county gave the number back within KEPT, on the claim of another conversation than this."""
    hashes = keyring().lookup_hashes(id_number, "id_number")
    given = (NumberClaim.state == "released") & (NumberClaim.ended_at > now - KEPT)
    latest = select(NumberClaim.conversation_id).where(NumberClaim.id_hash.in_(hashes), given)
    claimant = db.scalar(latest.order_by(NumberClaim.ended_at.desc(), NumberClaim.id.desc()).limit(1))
    return claimant not in (None, conversation_id)


def forget_claims(db: Session, leaver: Leaver) -> None:
    """Withdraw what waits, empty the numbers and give up the pictures, as the claimant is erased."""
    theirs = NumberClaim.conversation_id == leaver.conversation_id
    for made in db.scalars(select(NumberClaim).where(theirs, NumberClaim.state.in_(LIVE)).with_for_update()).all():
        _withdraw(db, made, SYSTEM, leaver.now)
    leaver.files.extend(_empty(db, theirs))


def _withdraw(db: Session, made: NumberClaim, actor: Actor, now: datetime) -> None:
    made.ended_at = now
    end_review(db, MACHINE, made, "withdrawn", actor, now)


def _empty(db: Session, which: ColumnElement[bool]) -> list[int]:
    """Delete the numbers and pictures of these claims; return the ids of the photos whose files a job has to delete."""
    shown = (Photo.subject == SUBJECT) & Photo.subject_id.in_(select(NumberClaim.id).where(which))
    gone = update(Photo).where(shown, Photo.state != "gone").values(state="gone", media_id="", pic_url="")
    files = sorted(number for number, path in db.execute(gone.returning(Photo.id, Photo.path)) if path)
    db.execute(update(NumberClaim).where(which).values(id_number=None, id_hash=None))
    return files


def _lost_one(db: Session, users: Collection[int | None], now: datetime) -> bool:
    theirs = AuditEvent.subject_id.in_([each for each in users if each])
    lost = (AuditEvent.subject == "user") & theirs & (AuditEvent.action == RELEASED)
    return db.scalar(select(AuditEvent.id).where(lost, AuditEvent.at > now - NOT_BACK_FOR).limit(1)) is not None
