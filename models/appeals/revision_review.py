"""Owners propose revisions of live appeals; an officer who did not pass the appeal approves or rejects them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal
from models.appeals.correction import CannotChange, NothingChanged
from models.appeals.revision import MACHINE, Revision, undecided_revision
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import Actor, WrongState
from models.notifications.notify import notify_user
from models.people.photo import Photo, attach_photos, pictures_of
from models.proxy.mandate import acted_for
from models.staff.decision import decide, end_review, passed_by
from models.staff.file_access import TaskView, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import Matter, open_task
from models.staff.turn import demand_task
from models.verification.eligibility import verifiers_of


class NoSuchRevision(Refusal):
    code = "no_such_revision"


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """A revision as officers see it, beside what is public. ``pictures``: how many before and after."""

    number: int
    appeal: int
    state: str
    title: str
    new_title: str
    story: str
    new_story: str
    pictures: tuple[int, int]
    new_pictures: int
    task: TaskView


@dataclass(frozen=True, slots=True)
class ProposedRevision:
    """A wanted revision. ``pictures``: as the Photo reader gives them."""

    draft_id: str
    title: str
    story: str
    pictures: Sequence[Mapping[str, str]]


def latest_proposal(db: Session, appeal: Appeal) -> ProposedRevision:
    """Return what the owner last wanted: the undecided revision, else what is public."""
    waiting = undecided_revision(db, appeal.id)
    if waiting is None:
        return ProposedRevision("", appeal.title, appeal.story, pictures_of(db, "appeal", appeal.id))
    kept = _kept(db, waiting)
    shown = [{"media_id": photo.media_id, "pic_url": photo.pic_url} for photo in kept if photo.state != "lost"]
    return ProposedRevision("", waiting.title, waiting.story, shown + pictures_of(db, "revision", waiting.id))


def propose(
    db: Session, appeal: Appeal, wanted: ProposedRevision, conversation_id: int, now: datetime
) -> tuple[list[int], list[int]]:
    """Submit a revision in place of an undecided one, and open its task. The same draft twice gives the same revision.

    ``appeal`` must be locked. Returns the photos to fetch and those whose files are to be deleted. Raises CannotChange
    or NothingChanged.
    """
    if db.scalar(select(Revision.id).where(Revision.draft_id == wanted.draft_id)):
        return [], []
    if appeal.state not in LIVE:
        raise CannotChange(number=appeal.id, state=appeal.state, what="fix")
    shown = pictures_of(db, "appeal", appeal.id)
    if (wanted.title, wanted.story, list(wanted.pictures)) == (appeal.title, appeal.story, shown):
        raise NothingChanged(number=appeal.id)
    owner = Actor.owner(appeal.owner_id)
    before = undecided_revision(db, appeal.id)
    if before:
        _end(db, before, "withdrawn", owner, now)
    kept, new = _split_pictures(db, appeal, wanted.pictures)
    revision = Revision(
        draft_id=wanted.draft_id,
        appeal_id=appeal.id,
        title=wanted.title,
        story=wanted.story,
        kept=",".join(map(str, kept)),
        state="draft",
        created_at=now,
    )
    db.add(revision)
    db.flush()
    dropped = _take_over(db, before, revision, new) if before else []
    owed = attach_photos(db, "revision", revision.id, conversation_id, new.values(), now)
    MACHINE.move(db, revision, "submitted", owner, now)
    open_task(db, matter_of(revision, appeal), "revision", now, _barred(db, appeal))
    return owed, dropped


def open_revision_file(db: Session, staff: Staff, number: int, now: datetime) -> RevisionFile | None:
    """Open a revision for an officer and record the access. None as for models.verification.file.open_case_file."""
    revision = db.get(Revision, number)
    appeal = db.get_one(Appeal, revision.appeal_id) if revision else None
    if revision is None or appeal is None or not may_read_as_authority(db, staff, matter_of(revision, appeal)):
        return None
    record_file_access(db, staff, "revision", number, appeal.owner_id, now)
    new = len(pictures_of(db, "revision", number))
    return RevisionFile(
        number=number,
        appeal=appeal.id,
        state=revision.state,
        title=appeal.title,
        new_title=revision.title,
        story=appeal.story,
        new_story=revision.story,
        pictures=(len(pictures_of(db, "appeal", appeal.id)), len(_kept(db, revision)) + new),
        new_pictures=new,
        task=view_task(db, staff, "revision", number),
    )


def approve(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Appeal, list[int]]:
    """Approve a revision: its words and photos replace the public ones. Locks the appeal.

    Returns the appeal, and the photos whose files are to be deleted. Raises NoSuchRevision, OutsideRegion, NotYourTurn,
    HasConflict, or WrongState if the appeal is not live.
    """
    revision, appeal = _locked(db, number)
    demand_task(db, staff, matter_of(revision, appeal), revision.state)
    if appeal.state not in LIVE:
        raise WrongState(subject="appeal", state=appeal.state, wanted="revised")
    decide(db, matter_of(revision, appeal), 1, staff, "pass", now)
    kept = {photo.id for photo in _kept(db, revision)}
    dropped = _drop_photos([photo for photo in _photos(db, "appeal", appeal.id) if photo.id not in kept])
    for photo in _photos(db, "revision", revision.id):
        photo.subject, photo.subject_id = "appeal", appeal.id
    appeal.title, appeal.story = revision.title, revision.story
    _end(db, revision, "approved", staff.actor, now, staff)
    detail = f"revision:{revision.id}"
    record(db, at=now, actor=staff.actor.name, action="revised", subject="appeal", subject_id=appeal.id, detail=detail)
    _notify_owner(db, appeal, revision, (), now)
    return appeal, dropped


def reject(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> tuple[Appeal, list[int]]:
    """Reject a revision; the appeal stays as it is. Returns and raises as ``approve``, except WrongState."""
    revision, appeal = _locked(db, number)
    demand_task(db, staff, matter_of(revision, appeal), revision.state)
    decide(db, matter_of(revision, appeal), 1, staff, "reject", now, reasons)
    dropped = _drop_photos(_photos(db, "revision", revision.id))
    _end(db, revision, "rejected", staff.actor, now, staff)
    _notify_owner(db, appeal, revision, reasons, now)
    return appeal, dropped


def erase_revisions(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Withdraw an erased owner's undecided revision and delete the stories of all revisions.

    models.rights.erasure.erasure deletes the photos.
    """
    for revision in db.scalars(select(Revision).where(Revision.appeal_id == appeal.id)).all():
        if revision.state == "submitted":
            _end(db, revision, "withdrawn", actor, now)
        revision.story = revision.title = ""


def matter_of(revision: Revision, appeal: Appeal) -> Matter:
    return Matter("revision", revision.id, appeal.region_code, appeal.household_id)


def _barred(db: Session, appeal: Appeal) -> dict[int, str]:
    """Staff id -> reason: who passed the appeal, wrote it by mandate or verified the household may not decide on it."""
    passed = {*passed_by(db, appeal.matter, appeal.round), *filter(None, [appeal.endorsed_by])}
    acted = acted_for(db, "appeal", appeal.id, appeal.household_id)
    return {**dict.fromkeys(passed, "decided_before"), **acted, **verifiers_of(db, appeal.household_id)}


def _locked(db: Session, number: int) -> tuple[Revision, Appeal]:
    """Get a revision and its appeal, locking the appeal, as ``propose`` requires too. Raises NoSuchRevision."""
    revision = db.get(Revision, number)
    if revision is None:
        raise NoSuchRevision(number=number)
    appeal = db.get_one(Appeal, revision.appeal_id, with_for_update=True, populate_existing=True)
    db.refresh(revision)
    return revision, appeal


def _end(db: Session, revision: Revision, state: str, actor: Actor, now: datetime, staff: Staff | None = None) -> None:
    revision.decided_at = now
    end_review(db, MACHINE, revision, state, actor, now, staff=staff)


def _split_pictures(
    db: Session, appeal: Appeal, pictures: Iterable[Mapping[str, str]]
) -> tuple[list[int], dict[str, Mapping[str, str]]]:
    """Sort wanted pictures: the numbers of the appeal's photos that stay, and the new pictures by media id."""
    new = {picture["media_id"]: picture for picture in pictures}
    kept = [photo.id for photo in _photos(db, "appeal", appeal.id) if new.pop(photo.media_id, None)]
    return kept, new


def _take_over(db: Session, before: Revision, revision: Revision, new: dict[str, Mapping[str, str]]) -> list[int]:
    """Move still wanted new photos from the earlier revision to this one; returns the others that have a file."""
    photos = _photos(db, "revision", before.id)
    for photo in photos:
        if new.pop(photo.media_id, None):
            photo.subject_id = revision.id
    return _drop_photos([photo for photo in photos if photo.subject_id == before.id])


def _drop_photos(photos: Iterable[Photo]) -> list[int]:
    """Mark photos as gone; returns the numbers of those that have a file."""
    photos = list(photos)
    for photo in photos:
        photo.state = "gone"
    return [photo.id for photo in photos if photo.path]


def _photos(db: Session, subject: str, number: int) -> Sequence[Photo]:
    theirs = (Photo.subject == subject) & (Photo.subject_id == number) & (Photo.state != "gone")
    return db.scalars(select(Photo).where(theirs).order_by(Photo.id)).all()


def _kept(db: Session, revision: Revision) -> Sequence[Photo]:
    numbers = [int(number) for number in revision.kept.split(",") if number]
    return [photo for photo in _photos(db, "appeal", revision.appeal_id) if photo.id in numbers]


def _notify_owner(db: Session, appeal: Appeal, revision: Revision, reasons: Sequence[str], now: datetime) -> None:
    facts = {"number": appeal.id, "title": appeal.title, "approved": not reasons, "reasons": list(reasons)}
    notify_user(db, appeal.owner_id, "revision_decided", facts, f"revision:{revision.id}", now, ("appeal", appeal.id))
