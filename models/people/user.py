"""Keep registered people and households: identities (encrypted), regions, and consents."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.people.erased_phone import tries_from_phone

ROLES = ("resident", "donor")
# PIPL, the law on personal data: each purpose has a consent of its own.
PURPOSES = ("account", "identity", "publish")
# The wording that is shown today, raised when it promises other things: templates/flows/people/register/consent.txt
# and consent_identity.txt, and the last line before 确认 in templates/flows/appeals/start_appeal/review.txt.
CONSENT_VERSIONS = {"account": 1, "identity": 1, "publish": 1}
# How many ID numbers one conversation may enter in a day.
MOST_ID_NUMBERS = 5
_TRIED = "id_number"
NUMBER_TRIED = "number_tried"
# The ID number, the conversation that wants it (None: by proxy), now -> whether it is kept for another conversation.
kept_for_another: Hook[[Session, str, int | None, datetime], bool] = Hook("people.user.kept_for_another")

# The person who has just registered, now.
on_registered: Hook[["Session", "User", datetime], None] = Hook("people.user.on_registered")


class IdNumberTaken(Refusal):
    """Another person is registered with this ID number, or it is kept for them. The refusal says nothing of either."""

    code = "id_number_taken"
    step = "id_number"


class TooManyIdNumbers(Refusal):
    """The conversation entered ``most`` ID numbers today; a limit, so that nobody can probe who is registered.

    ``what``: what they were entered for, ``register``, ``seat`` (to take up one) or ``family`` (to name a member).
    """

    code = "too_many_numbers"
    final = True


class AlreadyRegistered(Refusal):
    code = "already_registered"
    final = True


class NotRegistered(Refusal):
    """The person is not registered, and is offered to; ``then``: the words to continue with after registering."""

    code = "not_registered"

    def __init__(self, then: str = "") -> None:
        super().__init__(ways=(("start_register", then),))


class ResidentsOnly(Refusal):
    """Only a resident, whose identity is known, may ask for help or sell."""

    code = "residents_only"


class Household(Base):
    __tablename__ = "households"
    id: Mapped[RowId]
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    created_at: Mapped[datetime]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    """Where its people went when the township found the two to be one family."""
    changed_at: Mapped[datetime | None]
    """When people with what is theirs last joined or left it: who decided before is judged by the household of then."""


class User(Base):
    """Others see only ``display_name``; name, ID number and phone are never shown to them."""

    __tablename__ = "users"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    role: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12), default="active")
    display_name: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str | None] = mapped_column(Encrypted("person name"))
    id_number: Mapped[str | None] = mapped_column(Encrypted("person ID number", Lookup("id_hash", "id_number")))
    id_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    phone: Mapped[str | None] = mapped_column(Encrypted("person phone", Lookup("phone_hash", "phone")))
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"), index=True)
    created_at: Mapped[datetime]
    registered_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    """The officer who registered this person by proxy; None for a person who registered by themselves."""

    __table_args__ = (
        one_of("role", ROLES),
        one_of("state", ("active", "suspended", "erased")),
        CheckConstraint(
            "role <> 'resident' OR state = 'erased' OR (id_hash IS NOT NULL AND household_id IS NOT NULL)",
            name="resident_is_known",
        ),
    )

    @property
    def masked_name(self) -> str:
        """The name with all but its first character masked, for screens and papers that others see; empty without."""
        return self.name[0] + "*" * (len(self.name) - 1) if self.name else ""


class Consent(Base):
    """Agreement to one purpose, with the version of the wording that was shown; given anew, it is another row."""

    __tablename__ = "consents"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    purpose: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    granted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("purpose", PURPOSES),
        Index(
            "uq_consents_live",
            *("user_id", "purpose", "version"),
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Registration:
    """The answers of a registration; only a resident has the identity fields. ``conversation_id``: None by proxy."""

    draft_id: str
    role: str
    consents: tuple[str, ...]
    display_name: str | None = None
    name: str | None = None
    id_number: str | None = None
    phone: str | None = None
    region_code: str | None = None
    registered_by: int | None = None
    conversation_id: int | None = None


def register(db: Session, wanted: Registration, now: datetime) -> User:
    """Create the person, for a resident also the household, and one row per consent.

    Raises IdNumberTaken. The same draft again returns the same person.
    """
    earlier = db.scalar(select(User).where(User.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    user = User(
        draft_id=wanted.draft_id,
        role=wanted.role,
        display_name=wanted.display_name,
        name=wanted.name,
        created_at=now,
        registered_by=wanted.registered_by,
    )
    if wanted.phone:
        user.phone, user.phone_hash = wanted.phone, keyring().lookup_hashes(wanted.phone, "phone")[0]
    user.region_code = wanted.region_code
    if wanted.role == "resident":
        _make_resident(db, user, wanted, now)
    db.add(user)
    try:
        db.flush()
    except IntegrityError as error:
        if "id_hash" in str(error.orig):
            raise IdNumberTaken from None  # another turn was a moment earlier
        raise
    for purpose in wanted.consents:
        grant_consent(db, user.id, purpose, now)
    on_registered(db, user, now)
    return user


def _make_resident(db: Session, user: User, wanted: Registration, now: datetime) -> None:
    assert wanted.id_number  # noqa: S101 - the flow asks residents for both
    assert wanted.region_code  # noqa: S101
    check_id_number_free(db, wanted.id_number, wanted.conversation_id, now)
    hashes = keyring().lookup_hashes(wanted.id_number, "id_number")
    household = Household(region_code=wanted.region_code, created_at=now)
    db.add(household)
    db.flush()
    user.id_number, user.id_hash, user.household_id = wanted.id_number, hashes[0], household.id


def grant_consent(db: Session, user_id: int, purpose: str, now: datetime) -> None:
    """Record the consent to the wording of today, unless it is live; one to an older wording ends.

    The caller holds the conversation's lock.
    """
    version = CONSENT_VERSIONS[purpose]
    live = (Consent.user_id == user_id) & (Consent.purpose == purpose) & Consent.withdrawn_at.is_(None)
    if db.scalar(select(Consent.id).where(live, Consent.version == version)):
        return
    db.execute(update(Consent).where(live).values(withdrawn_at=now))
    db.add(Consent(user_id=user_id, purpose=purpose, version=version, granted_at=now))
    db.flush()


def withdraw_consent(db: Session, user_id: int, purpose: str, now: datetime) -> bool:
    """Withdraw the consent to a purpose; False where there is none."""
    live = (Consent.user_id == user_id) & (Consent.purpose == purpose) & Consent.withdrawn_at.is_(None)
    ended = db.scalars(update(Consent).where(live).values(withdrawn_at=now).returning(Consent.id)).all()
    if ended:
        who = f"user:{user_id}"
        record(db, at=now, actor=who, action="consent_withdrawn", subject="user", subject_id=user_id, detail=purpose)
    return bool(ended)


def check_id_number_free(db: Session, id_number: str, conversation_id: int | None, now: datetime) -> None:
    """Check that nobody has the number, and that it is kept for nobody else. Raises IdNumberTaken."""
    if find_by_id_number(db, id_number) or kept_for_another(db, id_number, conversation_id, now):
        raise IdNumberTaken


def try_id_number(db: Session, id_number: str, conversation_id: int, now: datetime) -> None:
    """Record an unregistered person's try of an ID number, and check that the number is free.

    Raises TooManyIdNumbers or IdNumberTaken. Not to be called where a refusal rolls back: the record must stay.
    """
    count_id_number(db, conversation_id, now, find_by_id_number(db, id_number))
    check_id_number_free(db, id_number, conversation_id, now)


def count_id_number(
    db: Session, conversation_id: int, now: datetime, owner: User | None = None, *, what: str = "register"
) -> None:
    """Record that the conversation entered an ID number; ``owner``: who is registered with it, and finds the try in
    谁看过我. Raises TooManyIdNumbers (see there for ``what``)."""
    if tries_from_phone(db, _TRIED, conversation_id, now) >= MOST_ID_NUMBERS:
        raise TooManyIdNumbers(most=MOST_ID_NUMBERS, what=what)
    who, about = f"conversation:{conversation_id}", owner.id if owner else None
    record(db, at=now, actor=who, action=NUMBER_TRIED, subject=_TRIED, subject_id=conversation_id, about=about)


def find_by_id_number(db: Session, id_number: str) -> User | None:
    return db.scalar(select(User).where(User.id_hash.in_(keyring().lookup_hashes(id_number, "id_number"))))


def get_user(db: Session, user_id: int | None, *, then: str = "") -> User:
    """Return the registered person. Raises NotRegistered, with the words that the person sent (``then``)."""
    user = db.get(User, user_id) if user_id else None
    if user is None or user.state != "active":
        raise NotRegistered(then)
    return user


def home_of(db: Session, user_id: int | None) -> str | None:
    """Return the code of the region where the person lives; None where it is not known."""
    user = db.get(User, user_id) if user_id else None
    return user.region_code if user else None


def lock_home(db: Session, user: User, *, change: bool = False) -> int:
    """Return the household of a resident, which neither merges nor splits until the transaction ends.

    ``change``: nobody else begins anything for it either.

    To be called before anything is begun for the household, and before other locks (models.families.moving).
    """
    own = select(User.household_id).where(User.id == user.id)
    while True:
        number = db.scalars(own).one()
        assert number is not None  # noqa: S101 - a CHECK holds it of residents
        held = select(Household.id).where(Household.id == number)
        db.execute(held.with_for_update(read=not change, key_share=change))
        if db.scalars(own).one() == number:
            db.refresh(user, ["household_id"])
            return number


def get_resident(db: Session, user_id: int | None, *, then: str = "") -> User:
    """Return the registered resident. Raises NotRegistered or ResidentsOnly."""
    user = get_user(db, user_id, then=then)
    if user.role != "resident":
        raise ResidentsOnly
    return user
