"""照片, 撤下照片: officers choose the photos of an appeal that everybody sees; they and its owner take photos down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import ask_which_appeal, one_page, with_ways
from handlers.routing.roles import OFFICERS
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from models.appeals.appeal import get_appeal
from models.appeals.correction import NotYourAppeal, own_appeals
from models.oversight.pictures import open_gallery
from models.people.user import User
from models.public import photo_review as review
from models.public.photo_review import NoSuchPhoto, ReviewedPhoto
from models.public.photos import SHOWN_IN, count_approved

# Photos on one page of the list.
PAGE = 7


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A photo with its number on the officers' page of pictures."""

    number: int
    photo: ReviewedPhoto


def photos(talk: Talk, number: str = "", after: str = "0") -> Answer:
    """照片 <号>: list an appeal's photos, each with how it stands, and decide on one by its line.

    ``after``: the last photo's number on the page before. Raises as models.public.photo_review.find_reviewable.
    """
    if not number:
        return Answer([Say("replies/public/which_photos")])
    staff, db = staff_of(talk), talk.turn.db
    appeal = review.find_reviewable(db, staff, int(number))
    found = _numbered(talk, int(number))
    opened = review.has_opened_photos(db, staff, int(number))
    rest = [each for each in found if each.number > int(after)]
    shown = rest[:PAGE]
    lines = [(line, each.number, each.photo) for line, each in enumerate(shown, 1)]
    options = [
        Option(line, "", ["command", "review_photo", number, str(photo.id)]) for line, _, photo in lines if opened
    ]
    values = {
        "number": appeal.id,
        "title": appeal.title,
        "lines": lines,
        "opened": opened,
        "total": len(found),
        "link": talk.world.link("pictures", f"appeal:{number}") if found else "",
    }
    turn = ["photos", number, str(shown[-1].number)] if opened and len(rest) > PAGE else None
    return one_page(talk, "replies/public/photos", values, options, turn)


def review_photo(talk: Talk, number: str, photo_id: str) -> Answer:
    """Ask whether a child's face can be seen in a photo; of one that everybody sees, whether to take it down."""
    review.find_reviewable(talk.turn.db, staff_of(talk), int(number))
    one = _find(talk, number, photo_id)
    if one.photo.standing == "approved":
        ways = {"take_down": ["command", "hide_photo", number, photo_id], "back": ["command", "photos", number]}
        return with_ways("replies/public/photo_shown", _values(number, one), ways)
    ways = {
        "child": ["command", "keep_photo_back", number, photo_id, "child"],
        "none": ["command", "ask_again", number, photo_id],
        "other": ["command", "keep_photo_back", number, photo_id, "other"],
        "back": ["command", "photos", number],
    }
    return with_ways("replies/public/photo_question", _values(number, one), ways)


def ask_again(talk: Talk, number: str, photo_id: str) -> Answer:
    """Ask about a child's face a second time, in other words and with the answers in another order."""
    review.find_reviewable(talk.turn.db, staff_of(talk), int(number))
    ways = {
        "none": ["command", "approve_photo", number, photo_id],
        "child": ["command", "keep_photo_back", number, photo_id, "child", "child"],
        "back": ["command", "photos", number],
    }
    return with_ways("replies/public/photo_question_again", _values(number, _find(talk, number, photo_id)), ways)


def approve(talk: Talk, number: str, photo_id: str) -> Answer:
    """Approve a photo for everybody. Raises as models.public.photo_review.approve."""
    one = _find(talk, number, photo_id)
    made = review.approve(talk.turn.db, staff_of(talk), int(number), int(photo_id), talk.world.now)
    return _decided(talk, number, one, "approved", [made.id])


def keep_back(talk: Talk, number: str, photo_id: str, verdict: str, second: str = "") -> Answer:
    """Keep a photo from the public. ``second``: the answer to the question that was asked again, if it was."""
    one = _find(talk, number, photo_id)
    taken = review.keep_back(
        talk.turn.db, staff_of(talk), int(number), int(photo_id), verdict, second or None, talk.world.now
    )
    return _decided(talk, number, one, verdict, taken)


def hide(talk: Talk, number: str, photo_id: str) -> Answer:
    """Take one photo down for an officer."""
    one = _find(talk, number, photo_id)
    taken = review.take_down(talk.turn.db, staff_of(talk), int(number), talk.world.now, int(photo_id))
    return _decided(talk, number, one, "taken_down", taken)


def take_down(talk: Talk, number: str = "") -> Answer:
    """撤下照片 <号>: take down at once all photos of one's own appeal, or as an officer those of one of the place.

    Without a number of the person's own appeals that show photos: the one, or ask which. Raises NoSuchAppeal,
    NotYourAppeal or OutsideRegion.
    """
    db, user_id = talk.turn.db, talk.turn.person.user_id
    if not number:
        user = db.get(User, user_id) if user_id else None
        own = own_appeals(db, user, SHOWN_IN) if user else ()
        theirs = [one for one in own if count_approved(db, one.id)]
        if len(theirs) != 1:
            return ask_which_appeal("replies/public/which_photos_down", theirs, "take_photos_down")
        number = str(theirs[0].id)
    appeal = get_appeal(db, int(number))
    seat = find_seat(talk)
    officer = seat if seat and seat.role in OFFICERS else None
    is_owner = appeal.owner_id == user_id
    if not is_owner and officer is None:
        raise NotYourAppeal(number=appeal.id)
    taken = review.take_down(db, None if is_owner else officer, appeal.id, talk.world.now)
    talk.turn.jobs += [("publish_photo", each) for each in taken]
    values = {"number": appeal.id, "title": appeal.title, "count": len(taken), "own": is_owner}
    return Answer([Say("replies/public/photos_down", None, values)])


def may_choose_photos(talk: Talk, number: int) -> bool:
    """Tell whether photos wait for a decision that this officer may take."""
    staff, db = find_seat(talk), talk.turn.db
    if staff is None or staff.role not in OFFICERS or not review.count_undecided(db, number):
        return False
    return review.may_decide(db, staff, number)


def _numbered(talk: Talk, number: int) -> Sequence[_Numbered]:
    """List the photos on which an officer decides, each with its number on the page of pictures."""
    gallery = open_gallery(talk.turn.db, staff_of(talk).id, "appeal", number, talk.world.now)
    found = review.photos_of(talk.turn.db, number)
    return [_Numbered(place, found[each.id]) for place, each in enumerate(gallery.pictures, 1) if each.id in found]


def _find(talk: Talk, number: str, photo_id: str) -> _Numbered:
    """Find one of them. Raises NoSuchPhoto."""
    for one in _numbered(talk, int(number)):
        if one.photo.id == int(photo_id):
            return one
    raise NoSuchPhoto(number=int(number))


def _values(number: str, one: _Numbered) -> dict[str, Any]:
    return {"number": int(number), "place": one.number, "photo": one.photo}


def _decided(talk: Talk, number: str, one: _Numbered, what: str, jobs: Sequence[int]) -> Answer:
    """Say what holds now, and go on with the next photo on which nobody has decided, or with the list."""
    talk.turn.jobs += [("publish_photo", each) for each in jobs]
    waiting = [each for each in _numbered(talk, int(number)) if each.photo.standing == "undecided"]
    answer = review_photo(talk, number, str(waiting[0].photo.id)) if waiting else photos(talk, number)
    answer.says.insert(0, Say("replies/public/photo_decided", None, {**_values(number, one), "what": what}))
    return answer
