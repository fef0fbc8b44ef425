"""照片, 撤下照片: officers choose the photos of an appeal or a listing for everybody; they and its owner take them
down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import ask_which, one_page, with_ways
from handlers.routing.roles import OFFICERS
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse_reference, staff_of
from models.appeals.correction import NotYourAppeal, own_appeals
from models.goods.exchange import NoSuchThing
from models.oversight.pictures import open_gallery
from models.people.user import User
from models.public import photo_review as review
from models.public.album import ALBUMS, APPEALS, LISTINGS, ON_SALE, SHOWN_IN, Album
from models.public.catalogue import MARKET
from models.public.photo_review import NoSuchPhoto, ReviewedPhoto
from models.public.photos import count_approved

# Photos on one page of the list.
PAGE = 7
_MOST_OWN = 60


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A photo with its number on the officers' page of pictures."""

    number: int
    photo: ReviewedPhoto


@dataclass(frozen=True, slots=True)
class _Of:
    """Whose photos a command is about. ``reference``: as commands carry it (``listing:3``; ``12`` is an appeal)."""

    album: Album
    number: int

    @property
    def reference(self) -> str:
        return f"{self.album.name}:{self.number}"


def photos(talk: Talk, reference: str = "", after: str = "0") -> Answer:
    """照片 <号>, 照片 集市<号>: list the photos, each with how it stands, and decide on one by its line.

    ``after``: the last photo's number on the page before. Raises as models.public.photo_review.find_reviewable.
    """
    if not reference:
        return Answer([Say("replies/public/which_photos")])
    staff, db, of = staff_of(talk), talk.turn.db, _of(reference)
    thing = review.find_reviewable(db, staff, of.number, of.album)
    found = _numbered(talk, of)
    opened = review.has_opened_photos(db, staff, of.number, of.album)
    rest = [each for each in found if each.number > int(after)]
    shown = rest[:PAGE]
    lines = [(line, each.number, each.photo) for line, each in enumerate(shown, 1)]
    options = [
        Option(line, "", ["command", "review_photo", of.reference, str(photo.id)]) for line, _, photo in lines if opened
    ]
    values = {
        "subject": of.album.name,
        "number": of.number,
        "title": thing.title,
        "lines": lines,
        "opened": opened,
        "total": len(found),
        "link": talk.world.link("pictures", of.reference) if found else "",
    }
    turn = ["photos", of.reference, str(shown[-1].number)] if opened and len(rest) > PAGE else None
    return one_page(talk, "replies/public/photos", values, options, turn)


def review_photo(talk: Talk, reference: str, photo_id: str) -> Answer:
    """Ask whether a child's face can be seen in a photo; of one that everybody sees, whether to take it down."""
    of = _of(reference)
    review.find_reviewable(talk.turn.db, staff_of(talk), of.number, of.album)
    one = _find(talk, of, photo_id)
    back = ["command", "photos", of.reference]
    if one.photo.standing == "approved":
        ways = {"take_down": ["command", "hide_photo", of.reference, photo_id], "back": back}
        return with_ways("replies/public/photo_shown", _values(of, one), ways)
    ways = {
        "child": ["command", "keep_photo_back", of.reference, photo_id, "child"],
        "none": ["command", "ask_again", of.reference, photo_id],
        "other": ["command", "keep_photo_back", of.reference, photo_id, "other"],
        "back": back,
    }
    return with_ways("replies/public/photo_question", _values(of, one), ways)


def ask_again(talk: Talk, reference: str, photo_id: str) -> Answer:
    """Ask about a child's face a second time, in other words and with the answers in another order."""
    of = _of(reference)
    review.find_reviewable(talk.turn.db, staff_of(talk), of.number, of.album)
    ways = {
        "none": ["command", "approve_photo", of.reference, photo_id],
        "child": ["command", "keep_photo_back", of.reference, photo_id, "child", "child"],
        "back": ["command", "photos", of.reference],
    }
    return with_ways("replies/public/photo_question_again", _values(of, _find(talk, of, photo_id)), ways)


def approve(talk: Talk, reference: str, photo_id: str) -> Answer:
    """Approve a photo for everybody. Raises as models.public.photo_review.approve."""
    of = _of(reference)
    one = _find(talk, of, photo_id)
    made = review.approve(talk.turn.db, staff_of(talk), of.number, int(photo_id), talk.world.now, of.album)
    return _decided(talk, of, one, "approved", [made.id])


def keep_back(talk: Talk, reference: str, photo_id: str, verdict: str, second: str = "") -> Answer:
    """Keep a photo from the public. ``second``: the answer to the question that was asked again, if it was."""
    of = _of(reference)
    one = _find(talk, of, photo_id)
    taken = review.keep_back(
        talk.turn.db, staff_of(talk), of.number, int(photo_id), verdict, second or None, talk.world.now, of.album
    )
    return _decided(talk, of, one, verdict, taken)


def hide(talk: Talk, reference: str, photo_id: str) -> Answer:
    """Take one photo down for an officer."""
    of = _of(reference)
    one = _find(talk, of, photo_id)
    taken = review.take_down(talk.turn.db, staff_of(talk), of.number, talk.world.now, int(photo_id), of.album)
    return _decided(talk, of, one, "taken_down", taken)


def take_down(talk: Talk, reference: str = "") -> Answer:
    """撤下照片 <号>, 撤下照片 集市<号>: take down at once all photos of one's own appeal or listing, or as an officer
    those of one of the place.

    Without a number of the person's own that show photos: the one, or ask which. Raises NoSuchAppeal, NoSuchThing,
    NotYourAppeal or OutsideRegion.
    """
    db, user_id = talk.turn.db, talk.turn.person.user_id
    if not reference:
        theirs = _own_shown(talk)
        if len(theirs) != 1:
            return ask_which("replies/public/which_photos_down", theirs, _take_down_of)
        reference = theirs[0]["reference"]
    of = _of(reference)
    thing = of.album.get(db, of.number)
    seat = find_seat(talk)
    officer = seat if seat and seat.role in OFFICERS else None
    is_owner = thing.owner_id == user_id
    if not is_owner and officer is None:
        if of.album is APPEALS:
            raise NotYourAppeal(number=of.number)
        raise NoSuchThing(what=of.album.name, number=of.number)
    taken = review.take_down(db, None if is_owner else officer, of.number, talk.world.now, album=of.album)
    talk.turn.jobs += [("publish_photo", each) for each in taken]
    values = {"number": of.number, "title": thing.title, "count": len(taken), "own": is_owner}
    return Answer([Say("replies/public/photos_down", None, {**values, "subject": of.album.name})])


def _own_shown(talk: Talk) -> list[dict[str, Any]]:
    """List the person's own appeals and listings that show photos."""
    db, user_id = talk.turn.db, talk.turn.person.user_id
    user = db.get(User, user_id) if user_id else None
    if user is None:
        return []
    found = [(APPEALS, one.id, one.title) for one in own_appeals(db, user, SHOWN_IN)]
    found += [(LISTINGS, one.number, one.name) for one in MARKET.own(db, user.id, _MOST_OWN) if one.state in ON_SALE]
    return [
        {"subject": album.name, "number": number, "title": title, "reference": f"{album.name}:{number}"}
        for album, number, title in found
        if count_approved(db, number, album)
    ]


def _take_down_of(one: dict[str, Any]) -> list[str]:
    return ["take_photos_down", one["reference"]]


def may_choose_photos(talk: Talk, number: int, album: Album = APPEALS) -> bool:
    """Tell whether photos wait for a decision that this officer may take."""
    staff, db = find_seat(talk), talk.turn.db
    if staff is None or staff.role not in OFFICERS or not review.count_undecided(db, number, album):
        return False
    return review.may_decide(db, staff, number, album)


def _of(reference: str) -> _Of:
    """Read a reference; a number alone, as choices of earlier releases have it, is an appeal's."""
    if reference.isdecimal():
        return _Of(APPEALS, int(reference))
    name, number = parse_reference(reference)
    return _Of(ALBUMS[name], number)


def _numbered(talk: Talk, of: _Of) -> Sequence[_Numbered]:
    """List the photos on which an officer decides, each with its number on the page of pictures."""
    gallery = open_gallery(talk.turn.db, staff_of(talk).id, of.album.name, of.number, talk.world.now)
    found = review.photos_of(talk.turn.db, of.number, of.album)
    return [_Numbered(place, found[each.id]) for place, each in enumerate(gallery.pictures, 1) if each.id in found]


def _find(talk: Talk, of: _Of, photo_id: str) -> _Numbered:
    """Find one of them. Raises NoSuchPhoto."""
    for one in _numbered(talk, of):
        if one.photo.id == int(photo_id):
            return one
    raise NoSuchPhoto(subject=of.album.name, number=of.number)


def _values(of: _Of, one: _Numbered) -> dict[str, Any]:
    return {"subject": of.album.name, "number": of.number, "place": one.number, "photo": one.photo}


def _decided(talk: Talk, of: _Of, one: _Numbered, what: str, jobs: Sequence[int]) -> Answer:
    """Say what holds now, and go on with the next photo on which nobody has decided, or with the list."""
    talk.turn.jobs += [("publish_photo", each) for each in jobs]
    waiting = [each for each in _numbered(talk, of) if each.photo.standing == "undecided"]
    answer = review_photo(talk, of.reference, str(waiting[0].photo.id)) if waiting else photos(talk, of.reference)
    answer.says.insert(0, Say("replies/public/photo_decided", None, {**_values(of, one), "what": what}))
    return answer
