"""Review updates and thanks: an owner submits one, an officer publishes it to the appeal's donors or sends it back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import Actor, WrongState
from models.giving.pledge import takes_gifts
from models.notifications.broadcast import LIVE as GOING_OUT
from models.notifications.broadcast import Audience, Broadcast, begin_broadcast, drop_unsent, forget_words, stop_sending
from models.notifications.notify import notify_user
from models.outreach.audience import count_people
from models.outreach.reporting_duty import restart_reporting_period
from models.outreach.update import MACHINE, Update, check_thanks, update_waiting
from models.people.photo import Photo, attach_photos, pictures_of
from models.proxy.mandate import acted_for
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import Matter, open_task
from models.staff.turn import demand_task

# The states of an appeal in which updates and thanks may be written and published.
TAKES_UPDATES = (*LIVE, "completed")
# Kind of update -> its review task, its notification to donors, and its action in the audit trail.
_REVIEW_STEPS = {"progress": "update", "thanks": "thanks"}
_DONOR_NOTIFICATIONS = {"progress": "appeal_update", "thanks": "thanks"}
_AUDIT_ACTIONS = {"progress": "told", "thanks": "thanked"}


class NoSuchUpdate(Refusal):
    code = "no_such_update"


class TakesNoUpdates(Refusal):
    """The appeal is not public yet or has been stopped (``state``)."""

    code = "takes_no_updates"
    final = True


@dataclass(frozen=True, slots=True)
class UpdateFile:
    """An update as its officer sees it. ``people``: how many would be notified of it now."""

    number: int
    kind: str
    appeal: int
    title: str
    words: str
    state: str
    pictures: int
    people: int
    task: TaskView


def check_takes_updates(appeal: Appeal) -> None:
    """Raise TakesNoUpdates unless updates may be written for this appeal."""
    if appeal.state not in TAKES_UPDATES:
        raise TakesNoUpdates(number=appeal.id, state=appeal.state)


def submit(
    db: Session,
    appeal: Appeal,
    draft_id: str,
    words: str,
    pictures: Iterable[Mapping[str, str]],
    conversation_id: int,
    now: datetime,
    kind: str = "progress",
    *,
    replaces: bool = False,
) -> tuple[list[int], list[int]]:
    """Submit an update for review; a waiting one of the same kind is withdrawn. The same draft twice is one update.

    ``appeal`` must be locked. ``replaces``: thanks take the place of those that wait, which else are in their way.
    Returns the ids of the photos to fetch and of those whose files are to be deleted.
    Raises TakesNoUpdates, and for thanks what check_thanks does.
    """
    if db.scalar(select(Update.id).where(Update.draft_id == draft_id)):
        return [], []
    check_takes_updates(appeal)
    if kind == "thanks":
        check_thanks(db, appeal, now, replaces=replaces)
    owner = Actor.owner(appeal.owner_id)
    before = update_waiting(db, appeal.id, kind)
    dropped = _end(db, before, "withdrawn", owner, now) if before else []
    update = Update(draft_id=draft_id, appeal_id=appeal.id, kind=kind, words=words, state="submitted", created_at=now)
    db.add(update)
    db.flush()
    said, what = _AUDIT_ACTIONS[kind], f"appeal:{appeal.id}"
    record(db, at=now, actor=owner.name, action=said, subject="update", subject_id=update.id, detail=what)
    owed = attach_photos(db, "update", update.id, conversation_id, pictures, now)
    matter = matter_of(update, appeal)
    open_task(db, matter, _REVIEW_STEPS[kind], now, acted_for(db, "appeal", appeal.id, appeal.household_id))
    return owed, dropped


def withdraw(db: Session, user_id: int | None, number: int, now: datetime) -> tuple[Update, list[int]]:
    """Withdraw the user's own update that waits for an officer.

    Returns it, and the ids of the photos whose files are to be deleted. Raises NoSuchUpdate or WrongState.
    """
    update, appeal = _locked(db, number)
    if appeal.owner_id != user_id:
        raise NoSuchUpdate(number=number)
    return update, _end(db, update, "withdrawn", Actor.owner(user_id), now)


def open_update(db: Session, staff: Staff, number: int, now: datetime) -> UpdateFile:
    """Show an update to staff; the reading is recorded.

    Raises NoSuchUpdate, also for an update outside the region and for one of the reader's own household.
    """
    update = db.get(Update, number)
    appeal = db.get_one(Appeal, update.appeal_id) if update else None
    if update is None or appeal is None or not may_read_as_authority(db, staff, matter_of(update, appeal)):
        raise NoSuchUpdate(number=number)
    record_file_access(db, staff, "update", number, appeal.owner_id, now)
    return UpdateFile(
        number=number,
        kind=update.kind,
        appeal=appeal.id,
        title=appeal.title,
        words=update.words,
        state=update.state,
        pictures=len(pictures_of(db, "update", number)),
        people=count_people(db, backers_of(appeal, update.kind)),
        task=view_task(db, staff, "update", number),
    )


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[Update, Appeal]:
    """Lock and return the update and its appeal for the officer whose turn it is.

    Raises NoSuchUpdate, OutsideRegion, NotYourTurn or HasConflict, or WrongState while the appeal may have no updates.
    """
    update, appeal = _locked(db, number)
    demand_task(db, staff, matter_of(update, appeal), update.state)
    if appeal.state not in TAKES_UPDATES:
        raise WrongState(subject="appeal", state=appeal.state, wanted="told")
    return update, appeal


def publish(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Appeal, Broadcast]:
    """Publish an update and begin the broadcast to the appeal's donors. Raises as ``check_decidable`` does."""
    update, appeal = check_decidable(db, staff, number)
    decide(db, matter_of(update, appeal), 1, staff, "pass", now)
    _end(db, update, "published", staff.actor, now, staff)
    closed = not takes_gifts(db, appeal, now)
    facts = {"number": appeal.id, "title": appeal.title, "words": update.words, "closed": closed}
    if update.kind == "progress":
        restart_reporting_period(appeal, now)
    broadcast = begin_broadcast(db, backers_of(appeal, update.kind), facts, f"update:{number}", now, by=staff.id)
    _notify_owner(db, appeal, update, (), now)
    return appeal, broadcast


def send_back(
    db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime
) -> tuple[Appeal, list[int]]:
    """Return an update to its owner, who may write another.

    Returns the appeal and the ids of the photos whose files are to be deleted. Raises NoSuchUpdate, OutsideRegion,
    NotYourTurn or HasConflict.
    """
    update, appeal = _locked(db, number)
    demand_task(db, staff, matter_of(update, appeal), update.state)
    decide(db, matter_of(update, appeal), 1, staff, "return", now, reasons)
    dropped = _end(db, update, "returned", staff.actor, now, staff)
    _notify_owner(db, appeal, update, reasons, now)
    return appeal, dropped


def forget(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Erase the words of an appeal's updates and stop its broadcasts, as its owner is erased.

    models.rights.erasure.erasure deletes the pictures.
    """
    hush(db, appeal, actor, now)
    for update in db.scalars(select(Update).where(Update.appeal_id == appeal.id)).all():
        update.words = ""
    about = (Broadcast.subject == "appeal") & (Broadcast.subject_id == appeal.id)
    for broadcast in db.scalars(select(Broadcast).where(about).order_by(Broadcast.id).with_for_update()).all():
        broadcast.facts = _without_words(appeal)


def hush(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> list[int]:
    """Withdraw an appeal's waiting updates and stop its broadcasts, as its owner takes back the consent to publish.

    Returns the ids of the photos whose files are to be deleted.
    """
    waiting = select(Update).where(Update.appeal_id == appeal.id, Update.state == "submitted")
    dropped = [photo for one in db.scalars(waiting).all() for photo in _end(db, one, "withdrawn", actor, now)]
    about = (Broadcast.subject == "appeal") & (Broadcast.subject_id == appeal.id)
    for broadcast in db.scalars(select(Broadcast).where(about).order_by(Broadcast.id).with_for_update()).all():
        if broadcast.state in GOING_OUT:
            stop_sending(db, broadcast, actor.name, now)
        drop_unsent(db, broadcast.id)
        if broadcast.template in _DONOR_NOTIFICATIONS.values():
            forget_words(db, broadcast.id, _without_words(appeal))
    return dropped


def _without_words(appeal: Appeal) -> str:
    return json.dumps({"number": appeal.id, "title": appeal.title, "words": ""}, ensure_ascii=False)


def backers_of(appeal: Appeal, kind: str = "progress") -> Audience:
    return Audience("backers", str(appeal.id), _DONOR_NOTIFICATIONS[kind], appeal.id)


def matter_of(update: Update, appeal: Appeal) -> Matter:
    return Matter("update", update.id, appeal.region_code, appeal.household_id)


def _locked(db: Session, number: int) -> tuple[Update, Appeal]:
    """Lock the appeal's row, which ``submit`` holds too, and read both anew. Raises NoSuchUpdate."""
    update = db.get(Update, number)
    if update is None:
        raise NoSuchUpdate(number=number)
    appeal = db.get_one(Appeal, update.appeal_id, with_for_update=True, populate_existing=True)
    db.refresh(update)
    return update, appeal


def _end(db: Session, update: Update, state: str, actor: Actor, now: datetime, staff: Staff | None = None) -> list[int]:
    """End the review of an update.

    Returns the ids of the photos whose files are to be deleted; none where it is published.
    """
    update.decided_by, update.decided_at = staff.id if staff else None, now
    end_review(db, MACHINE, update, state, actor, now, staff=staff)
    photos: Sequence[Photo] = ()
    if state != "published":
        theirs = (Photo.subject == "update") & (Photo.subject_id == update.id) & (Photo.state != "gone")
        photos = db.scalars(select(Photo).where(theirs)).all()
    for photo in photos:
        photo.state = "gone"
    db.flush()
    return [photo.id for photo in photos if photo.path]


def _notify_owner(db: Session, appeal: Appeal, update: Update, reasons: Sequence[str], now: datetime) -> None:
    facts = {"number": appeal.id, "title": appeal.title, "kind": update.kind}
    facts |= {"published": not reasons, "reasons": list(reasons)}
    key = f"update:{update.id}"
    notify_user(db, appeal.owner_id, "update_decided", facts, key, now, about=("appeal", appeal.id))
