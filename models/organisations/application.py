"""A person registers an organisation for which they speak, or asks to speak for one that is registered.

The county sees the letter or the certificate, and decides (models.organisations.desk).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.organisations.organisation import (
    MACHINE,
    SUBJECT,
    Organisation,
    OrganisationKnown,
    OrganisationWaits,
    check_confirmed,
    find_by_credit_code,
    get_organisation,
)
from models.organisations.representative import (
    Representative,
    count_offices,
    decline,
    proposed_for,
)
from models.people.photo import attach_photos
from models.people.user import Household, User
from models.staff.decision import end_review
from models.staff.task import Matter, open_task
from models.staff.task_steps import STEPS

NEW, SUCCESSION = "organisation", "succession"
DAYS = STEPS[NEW][1]
# Whoever speaks for more than this is an agent, and no representative.
MOST_OFFICES = 3


class SpeaksAlready(Refusal):
    """The person speaks, or asks to speak, for this organisation already."""

    code = "speaks_already"
    final = True


class TooManyOffices(Refusal):
    """The person speaks, or asks to speak, for ``most`` organisations."""

    code = "too_many_offices"
    final = True


class SomebodyAsks(Refusal):
    """Another person asks to speak for this organisation, and the county has not decided."""

    code = "another_representative_waits"
    final = True


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """The answers that make an organisation. ``until``: the last day of the term of who registers it."""

    draft_id: str
    kind: str
    name: str
    credit_code: str
    region_code: str
    until: date
    photos: Sequence[Mapping[str, str]]


def check_code_free(db: Session, code: str) -> None:
    """Raises OrganisationKnown, with the way to speak for it, or OrganisationWaits."""
    known = find_by_credit_code(db, code)
    if known is None:
        return
    if known.state == "applied":
        raise OrganisationWaits
    raise OrganisationKnown(number=known.id, name=known.name, ways=(("succeed", str(known.id)),))


def check_may_speak(db: Session, user: User) -> None:
    """Raises TooManyOffices."""
    if count_offices(db, user.id) >= MOST_OFFICES:
        raise TooManyOffices(most=MOST_OFFICES)


def register(
    db: Session, wanted: NewOrganisation, user: User, conversation_id: int, now: datetime
) -> tuple[Organisation, list[int]]:
    """Put a new organisation and its representative before the county. The same draft twice is one.

    Returns it with the ids of the photos to fetch. Raises OrganisationKnown, OrganisationWaits or TooManyOffices.
    """
    check_may_speak(db, user)
    check_code_free(db, wanted.credit_code)
    household = Household(region_code=wanted.region_code, created_at=now)
    db.add(household)
    db.flush()
    made = Organisation(
        draft_id=wanted.draft_id,
        kind=wanted.kind,
        name=wanted.name,
        credit_code=wanted.credit_code,
        code_hash=keyring().lookup_hashes(wanted.credit_code, "credit_code")[0],
        region_code=wanted.region_code,
        household_id=household.id,
        applied_by=user.id,
        applied_at=now,
    )
    db.add(made)
    try:
        db.flush()
    except IntegrityError as error:
        if "uq_organisations_code" in str(error.orig):
            raise OrganisationWaits from None  # another turn was a moment earlier
        raise
    record(db, at=now, actor=f"user:{user.id}", action="asked", subject=SUBJECT, subject_id=made.id)
    return made, _propose(db, made, wanted.draft_id, user, wanted.until, wanted.photos, conversation_id, NEW, now)


def ask_to_speak(
    db: Session,
    number: int,
    draft_id: str,
    user: User,
    until: date,
    photos: Sequence[Mapping[str, str]],
    conversation_id: int,
    now: datetime,
) -> tuple[Organisation, list[int]]:
    """Ask to speak for a confirmed organisation, in place of who does. Raises as ``check_may_ask``."""
    organisation = get_organisation(db, number, lock=True)
    check_may_ask(db, organisation, user)
    record(db, at=now, actor=f"user:{user.id}", action="asked", subject=SUBJECT, subject_id=organisation.id)
    return organisation, _propose(db, organisation, draft_id, user, until, photos, conversation_id, SUCCESSION, now)


def check_may_ask(db: Session, organisation: Organisation, user: User) -> None:
    """Raises OrganisationNotConfirmed, SpeaksAlready, SomebodyAsks or TooManyOffices."""
    check_confirmed(organisation)
    from_before = proposed_for(db, organisation.id)
    if from_before:
        raise SpeaksAlready(name=organisation.name) if from_before.user_id == user.id else SomebodyAsks
    check_may_speak(db, user)


def withdraw(db: Session, number: int, actor: Actor, now: datetime) -> None:
    """Withdraw an application that the county has not decided. The caller has checked whose it is."""
    organisation = get_organisation(db, number, lock=True)
    person = proposed_for(db, number)
    if person:
        decline(db, person, actor, now)
    end_review(db, MACHINE, organisation, "withdrawn", actor, now)


def matter_of(organisation: Organisation, user: User) -> Matter:
    """Describe it for its task: kin of who asks to speak may not decide."""
    return Matter(SUBJECT, organisation.id, organisation.region_code, user.household_id)


def _propose(
    db: Session,
    organisation: Organisation,
    draft_id: str,
    user: User,
    until: date,
    photos: Sequence[Mapping[str, str]],
    conversation_id: int,
    step: str,
    now: datetime,
) -> list[int]:
    db.add(
        Representative(draft_id=draft_id, organisation_id=organisation.id, user_id=user.id, until=until, asked_at=now)
    )
    db.flush()
    owed = attach_photos(db, SUBJECT, organisation.id, conversation_id, photos, now)
    open_task(db, matter_of(organisation, user), step, now)
    return owed
