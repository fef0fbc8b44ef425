"""Let a household thank for goods: an officer reads its words and photos first, then the donor alone gets them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.matches.issues import NotHandedOut
from models.goods.matches.locks import lock_match
from models.goods.matches.match import GOT, Match
from models.goods.matches.thanks import THANKS_MACHINE, GoodsThanks
from models.goods.points.point import Point
from models.notifications.notify import drop_unread, notify_user
from models.people.photo import Photo, attach_photos, kept_photos, pictures_of
from models.proxy.mandate import acted_for
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.pictures_opened import demand_opened
from models.staff.task import Matter, open_task
from models.staff.turn import demand_task

SUBJECT = "goods_thanks"


class ThankedAlready(Refusal):
    """The household has thanked for the match ``number`` already, and its donor has read it."""

    code = "thanked_already"
    final = True


@dataclass(frozen=True, slots=True)
class ThanksFile:
    """Thanks as the officer reads them."""

    number: int
    item: str
    words: str
    state: str
    task: TaskView


@dataclass(frozen=True, slots=True)
class DonorThanks:
    """Thanks as the donor reads them: what they gave, the words and the kept photos, and nothing of the household."""

    number: int
    offer: int
    item: str
    words: str
    pictures: Sequence[Photo]


def check_thanks(db: Session, user_id: int | None, number: int) -> Match:
    """Return the person's match for which it may thank. Raises NoSuchThing, NotHandedOut or ThankedAlready."""
    match = db.get(Match, number)
    owner = db.get_one(GoodsRequest, match.request_id).owner_id if match else None
    if match is None or user_id is None or owner != user_id:
        raise NoSuchThing(what="match", number=number)
    if match.state not in GOT:
        raise NotHandedOut(number=number, state=match.state)
    if _live(db, number, "published"):
        raise ThankedAlready(number=number)
    return match


def submit(
    db: Session,
    user_id: int | None,
    number: int,
    said: tuple[str, str, Iterable[Mapping[str, str]]],
    conversation_id: int,
    now: datetime,
) -> tuple[list[int], list[int]]:
    """Submit thanks for a match; what waits is withdrawn. ``said``: the draft's id, the words and the pictures.

    The same draft twice is one. Returns the ids of the photos to fetch and of those whose files are to be deleted.
    Raises as ``check_thanks`` does.
    """
    draft_id, words, pictures = said
    if db.scalar(select(GoodsThanks.id).where(GoodsThanks.draft_id == draft_id)):
        return [], []
    lock_match(db, number)
    match, owner = check_thanks(db, user_id, number), Actor.owner(user_id)
    before = _live(db, number, "submitted")
    dropped = _end(db, before, "withdrawn", owner, now) if before else []
    thanks = GoodsThanks(draft_id=draft_id, match_id=number, words=words, state="submitted", created_at=now)
    db.add(thanks)
    db.flush()
    owed = attach_photos(db, SUBJECT, thanks.id, conversation_id, pictures, now)
    open_task(db, _matter(db, thanks), SUBJECT, now, acted_for(db, "match", number, match.household_id))
    return owed, dropped


def withdraw(db: Session, user_id: int | None, number: int, now: datetime) -> list[int]:
    """Withdraw one's own thanks. Returns the ids of the photos whose files are to be deleted.

    Raises NoSuchThing or WrongState.
    """
    thanks = _locked(db, number)
    if db.get_one(GoodsRequest, db.get_one(Match, thanks.match_id).request_id).owner_id != user_id:
        raise NoSuchThing(what=SUBJECT, number=number)
    return _end(db, thanks, "withdrawn", Actor.owner(user_id), now)


def open_thanks(db: Session, staff: Staff, number: int, now: datetime) -> ThanksFile:
    """Show them to an officer of the place; the reading is recorded. Raises NoSuchThing."""
    thanks = db.get(GoodsThanks, number)
    if thanks is None or not may_read_as_authority(db, staff, _matter(db, thanks)):
        raise NoSuchThing(what=SUBJECT, number=number)
    match = db.get_one(Match, thanks.match_id)
    record_file_access(db, staff, SUBJECT, number, db.get_one(GoodsRequest, match.request_id).owner_id, now)
    item = db.get_one(Offer, match.offer_id).item
    return ThanksFile(number, item, thanks.words, thanks.state, view_task(db, staff, SUBJECT, number))


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read them, which is required before deciding."""
    return has_read(db, staff, SUBJECT, number)


def check_decidable(db: Session, staff: Staff, number: int) -> GoodsThanks:
    """Lock the thanks for the officer whose turn it is.

    Raises NoSuchThing, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    thanks = _locked(db, number)
    demand_task(db, staff, _matter(db, thanks), thanks.state)
    return thanks


def demand_pictures_opened(db: Session, staff: Staff, number: int) -> None:
    """Check that this officer has opened the photos. Raises PicturesNotOpened."""
    demand_opened(db, staff, SUBJECT, number, changes=AuditEvent.action == "moved", photos=(SUBJECT,))


def publish(db: Session, staff: Staff, number: int, now: datetime) -> None:
    """Let the donor read them, and tell both. Raises as ``check_decidable`` does."""
    thanks = check_decidable(db, staff, number)
    decide(db, _matter(db, thanks), 1, staff, "pass", now)
    _end(db, thanks, "published", staff.actor, now, staff)
    match = db.get_one(Match, thanks.match_id)
    offer = db.get_one(Offer, match.offer_id)
    facts = {"number": offer.id, "item": offer.item, "words": thanks.words, "thanks": thanks.id}
    facts["pictures"] = len(pictures_of(db, SUBJECT, number))
    notify_user(db, match.donor_id, "goods_thanked", facts, f"goods_thanked:{number}", now, (SUBJECT, number))
    _tell_owner(db, thanks, (), now)


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> list[int]:
    """Return them to the household, which may write others. Returns the ids of photos whose files are to be deleted.

    Raises as ``check_decidable`` does.
    """
    thanks = check_decidable(db, staff, number)
    decide(db, _matter(db, thanks), 1, staff, "return", now, reasons)
    dropped = _end(db, thanks, "returned", staff.actor, now, staff)
    _tell_owner(db, thanks, reasons, now)
    return dropped


def thanks_for_donor(db: Session, number: int) -> tuple[int, DonorThanks] | None:
    """Return the donor's user id and the published thanks; None without, and where its household is erased."""
    thanks = db.get(GoodsThanks, number)
    if thanks is None or thanks.state != "published" or not thanks.words:
        return None
    match = db.get_one(Match, thanks.match_id)
    offer = db.get_one(Offer, match.offer_id)
    pictures = kept_photos(db, SUBJECT, [number])
    return match.donor_id, DonorThanks(number, offer.id, offer.item, thanks.words, pictures)


def donor_of(db: Session, number: int) -> int | None:
    """Return the user id of the donor whom these thanks are for, in whatever state they are; None without any."""
    thanks = db.get(GoodsThanks, number)
    return db.get_one(Match, thanks.match_id).donor_id if thanks else None


def _matter(db: Session, thanks: GoodsThanks) -> Matter:
    match = db.get_one(Match, thanks.match_id)
    return Matter(SUBJECT, thanks.id, db.get_one(Point, match.point_id).region_code, match.household_id)


def _live(db: Session, match_id: int, state: str) -> GoodsThanks | None:
    return db.scalar(select(GoodsThanks).where(GoodsThanks.match_id == match_id, GoodsThanks.state == state))


def _locked(db: Session, number: int) -> GoodsThanks:
    thanks = db.get(GoodsThanks, number, with_for_update=True, populate_existing=True)
    if thanks is None:
        raise NoSuchThing(what=SUBJECT, number=number)
    return thanks


def _end(
    db: Session, thanks: GoodsThanks, state: str, actor: Actor, now: datetime, staff: Staff | None = None
) -> list[int]:
    """End the review. Returns the ids of the photos whose files are to be deleted; none where it is published."""
    thanks.decided_by, thanks.decided_at = staff.id if staff else None, now
    end_review(db, THANKS_MACHINE, thanks, state, actor, now, staff=staff)
    if state == "published":
        return []
    drop_unread(db, ("goods_thanked",), (SUBJECT, thanks.id))
    theirs = (Photo.subject == SUBJECT) & (Photo.subject_id == thanks.id) & (Photo.state != "gone")
    photos = db.scalars(select(Photo).where(theirs)).all()
    for photo in photos:
        photo.state = "gone"
    db.flush()
    return [photo.id for photo in photos if photo.path]


def _tell_owner(db: Session, thanks: GoodsThanks, reasons: Sequence[str], now: datetime) -> None:
    request = db.get_one(GoodsRequest, db.get_one(Match, thanks.match_id).request_id)
    facts = {"number": request.id, "item": request.item, "published": not reasons, "reasons": list(reasons)}
    key = f"goods_thanks_decided:{thanks.id}"
    notify_user(db, request.owner_id, "goods_thanks_decided", facts, key, now, (SUBJECT, thanks.id))
