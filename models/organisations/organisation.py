"""Keep the organisations that ask or sell: a village committee, a township, a school, a cooperative, a charity.

applied → confirmed / returned                by the county, which sees the letter; who is returned applies anew
applied → withdrawn                           by who applied, or as they are erased
confirmed ↔ suspended, suspended → dissolved  by the county

An organisation asks as a household does: it has a row of households without anybody in it, so that the rules of a
household's appeals (one open appeal of a category, who may not decide, what follows a suspension) hold of it too.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject

SUBJECT = "organisation"
KINDS = ("village_committee", "township", "cooperative", "school", "charity")
# Those that govern a place, whose officers decide nothing of what it asks for.
AUTHORITIES = ("village_committee", "township")
# Those that may sell what they grow or make. An organ of government does no business (Civil Code, article 97, and the
# rules on party and government organs); a charity gives, and whoever wants to sell for it does so in their own name.
SELLERS = ("village_committee", "cooperative", "school")
LONGEST_NAME = 40

_COUNTY = frozenset({By.COUNTY})
MACHINE = Machine(
    SUBJECT,
    {
        ("applied", "confirmed"): _COUNTY,
        ("applied", "returned"): _COUNTY,
        ("applied", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        ("confirmed", "suspended"): _COUNTY,
        ("suspended", "confirmed"): _COUNTY,
        ("suspended", "dissolved"): _COUNTY,
    },
)
# States in which its credit code is taken.
LIVE = ("applied", "confirmed", "suspended")
_LIVE = text(f"state IN {LIVE}")


class OrganisationKnown(Refusal):
    """The organisation with this credit code, ``number``, is confirmed: who comes to represent it applies for that."""

    code = "organisation_known"
    final = True


class OrganisationWaits(Refusal):
    """Somebody applied for the organisation with this credit code, and the county has not decided."""

    code = "organisation_waits"
    final = True


class NoSuchOrganisation(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_organisation"


class OrganisationNotConfirmed(Refusal):
    """The organisation (``name``) is not confirmed, or suspended, and asks for nothing meanwhile (``state``)."""

    code = "organisation_not_confirmed"
    final = True


class SellsNothing(Refusal):
    """Organisations of this ``kind`` (the organisation's ``name``) sell nothing here."""

    code = "sells_nothing"
    final = True


class Organisation(Base):
    """An organisation. ``name``: in public. ``region_code``: its seat, and the place that an authority governs.

    ``credit_code``: its unified social credit code (GB 32100), sealed. ``household_id``: its row of households.
    """

    __tablename__ = "organisations"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    credit_code: Mapped[str] = mapped_column(Encrypted("organisation credit code", Lookup("code_hash", "credit_code")))
    code_hash: Mapped[str] = mapped_column(String(64), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"), unique=True)
    state: Mapped[str] = mapped_column(String(12), default="applied")
    applied_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    applied_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", MACHINE.states),
        CheckConstraint(
            "state NOT IN ('confirmed', 'suspended', 'dissolved') OR confirmed_at IS NOT NULL",
            name="confirmed_is_dated",
        ),
        Index("uq_organisations_code", "code_hash", unique=True, postgresql_where=_LIVE),
    )

    @property
    def is_authority(self) -> bool:
        return self.kind in AUTHORITIES


ORGANISATION = Subject(
    SUBJECT,
    Organisation,
    MACHINE,
    begins=("applied",),
    owner=Organisation.applied_by,
    place=Organisation.region_code,
    household=Organisation.household_id,
    photos=(SUBJECT,),
)


def find_by_credit_code(db: Session, code: str) -> Organisation | None:
    """Find the organisation that has this credit code now; those that were turned down or dissolved do not count."""
    same = Organisation.code_hash.in_(keyring().lookup_hashes(code, "credit_code"))
    return db.scalar(select(Organisation).where(same, Organisation.state.in_(LIVE)))


def organisation_of(db: Session, household_id: int | None) -> Organisation | None:
    """Return the organisation whose row of households it is; None of a family's."""
    if household_id is None:
        return None
    return db.scalar(select(Organisation).where(Organisation.household_id == household_id))


def get_organisation(db: Session, number: int, *, lock: bool = False) -> Organisation:
    """Get an organisation. Raises NoSuchOrganisation."""
    found = db.get(Organisation, number, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NoSuchOrganisation(number=number)
    return found


def check_confirmed(organisation: Organisation) -> None:
    """Raises OrganisationNotConfirmed."""
    if organisation.state != "confirmed":
        raise OrganisationNotConfirmed(name=organisation.name, state=organisation.state)


def may_ask(db: Session, household_id: int | None) -> bool | None:
    """Tell as ``is_confirmed`` does, and lock the organisation (FOR SHARE) until the transaction ends."""
    return _is_confirmed(db, household_id, lock=True)


def is_confirmed(db: Session, household_id: int | None) -> bool | None:
    """Tell whether the household is an organisation that the county has confirmed; None where it is a family."""
    return _is_confirmed(db, household_id, lock=False)


def is_dissolved(db: Session, household_id: int) -> bool:
    gone = (Organisation.household_id == household_id) & (Organisation.state == "dissolved")
    return db.scalar(select(Organisation.id).where(gone)) is not None


def _is_confirmed(db: Session, household_id: int | None, *, lock: bool) -> bool | None:
    if household_id is None:
        return None
    theirs = select(Organisation.state).where(Organisation.household_id == household_id)
    state = db.scalar(theirs.with_for_update(read=True) if lock else theirs)
    return None if state is None else state == "confirmed"
